"""Images that lie in another folder than their annotation says, found by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from umop.data.dataset import DataSet, Image
from umop.data.files.names import (
    base,
    contradict,
    essence,
    folded,
    folder,
    parts_of,
    split_in,
    stem,
)
from umop.data.files.tree import Files


def with_images_found_by_name(data: DataSet, files: Files) -> DataSet:
    """The data set with the images that have another folder than their annotation says."""
    wanted = [image for image in data.images if not files.has(image.path)]
    if not wanted:
        return data
    found = _found_by_split(files, wanted, {image.path for image in data.images})
    return replace(
        data,
        images=tuple(
            replace(image, path=found.get((image.path, image.split), image.path))
            for image in data.images
        ),
    )


def found_by_name(
    files: Files, wanted: Iterable[Image], claimed: Iterable[Path]
) -> dict[Path, Path]:
    """Finds images of one split by the last part of their names.

    A file is taken where no other image is it, or could be, and where no folder contradicts: one
    of the data set's own that the name gives, or that of another split.

    Args:
        files: The files of the data set.
        wanted: Images that are not where they should be.
        claimed: The paths of all images.

    Returns:
        The file of each path for which there is one.
    """
    found = _found_by_split(files, wanted, claimed)
    return {path: file for (path, _), file in found.items()}


def _found_by_split(
    files: Files, wanted: Iterable[Image], claimed: Iterable[Path]
) -> dict[tuple[Path, str | None], Path]:
    """The file of each path and split for which there is one, see :func:`found_by_name`.

    Lists of two splits may expect images of one name in one place, and mean two.
    """
    wanted = list(wanted)
    candidates = _Candidates(files, wanted)
    taken = {files.name(path) for path in claimed}
    found: dict[tuple[Path, str | None], str] = {}
    claims: dict[str, set[Path]] = defaultdict(set)
    for image in wanted:
        fitting = [name for name in candidates.of(image) if name not in taken]
        for name in fitting:
            claims[name].add(image.path)
        if len(fitting) == 1:
            found[image.path, image.split] = fitting[0]
    return {key: files.path(name) for key, name in found.items() if len(claims[name]) == 1}


class _Candidates:
    """The files that may be images by the last part of their names.

    Args:
        files: The files of the data set.
        wanted: The images.
    """

    def __init__(self, files: Files, wanted: Iterable[Image]) -> None:
        self._files = files
        self._essence = cache(lambda folder: essence(folder.split("/")))
        self._by_part: dict[tuple[str, str], list[str]] = defaultdict(list)
        for key in {self._key(image) for image in wanted}:
            for name in files.by_stem.get(key, ()):
                for part in set(self._essence(folder(name))):
                    self._by_part[key, part].append(name)

    def _key(self, image: Image) -> str:
        """The last part of an image's name, or its stem where no file has the suffix."""
        last = base(self._files.name(image.path).replace("\\", "/"))
        return last if last in self._files.by_stem else stem(last)

    def of(self, image: Image) -> list[str]:
        """Those that no folder says to be another image than one."""
        key, folders = self._key(image), parts_of(self._files.name(image.path))[:-1]
        known = essence(part for part in folders if folded(part) in self._files.image_folders)
        groups = (self._by_part.get((key, part), ()) for part in known)
        fewest = min(groups, key=len, default=self._files.by_stem.get(key, ()))
        return [name for name in fewest if not self._contradicts(image, folders, known, name)]

    def _contradicts(
        self, image: Image, folders: Iterable[str], known: Iterable[str], name: str
    ) -> bool:
        """Whether a file is outside of a folder that an image's name gives, or in another split.

        Args:
            image: The image.
            folders: The folders that its name gives.
            known: The essence of those that hold images.
            name: The file's name.
        """
        there = self._essence(folder(name))
        if set(known) - set(there):
            return True
        split = self._files.split_of(self._files.path(name))
        if image.split and split and split != image.split:
            return True
        return contradict(essence(part for part in folders if split_in(part)), there)
