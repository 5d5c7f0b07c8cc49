"""Which image belongs to which annotation, where only their names tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from umop.data.dataset import DataSet, Image
from umop.data.files.names import (
    base,
    contradict,
    essence,
    folded,
    folder,
    parts_of,
    split_in,
    split_of,
    stem,
)

if TYPE_CHECKING:
    from umop.data.files.tree import Files


class Pairs:
    """Images and the annotation files that have their names.

    An annotation belongs to the image beside it, or to the one in the folder that has ``images``
    for ``labels``; or else to the only one of its name that has no annotation yet, unless their
    folders say that they are of different images.

    Args:
        images: The images' names.
        others: The names of the annotations.

    Attributes:
        of_image: The annotation of each image that has one.
        by_folder: The images that have theirs by their folder.
    """

    def __init__(self, images: Iterable[str], others: Iterable[str]) -> None:
        self.of_image: dict[str, str] = {}
        self._others: dict[str, list[str]] = defaultdict(list)
        for name in others:
            self._others[stem(base(name))].append(name)
        self._essence = cache(lambda folder: essence(folder.split("/")))
        names = images if self._others else ()
        left = [name for name in names if not self._pair_by_folder(name)]
        self.by_folder = frozenset(self.of_image)
        left = self._pair_only(left, lambda one, other: one == other)
        self._pair_only(left, lambda one, other: not contradict(one, other))

    @property
    def of_annotation(self) -> Mapping[str, Sequence[str]]:
        """The images of each annotation: several where they differ by their suffix only."""
        found: dict[str, list[str]] = defaultdict(list)
        for image, other in self.of_image.items():
            found[other].append(image)
        return found

    def _candidates(self, image: str) -> list[str]:
        """The annotations with an image's name: ``a.txt`` and ``a.jpg.txt`` for ``a.jpg``."""
        last = base(image)
        return [name for key in (stem(last), last) for name in self._others.get(key, ())]

    def _pair_by_folder(self, image: str) -> bool:
        here = folded(folder(image))
        by_folder = {folded(folder(name)): name for name in reversed(self._candidates(image))}
        found = by_folder.get(here) or by_folder.get(_labels_for_images(here))
        if found:
            self.of_image[image] = found
        return found is not None

    def _pair_only(
        self, images: list[str], fit: Callable[[tuple[str, ...], tuple[str, ...]], bool]
    ) -> list[str]:
        """Pairs images with the only annotation whose folder fits, where no other image's does.

        Returns:
            The images that are left.
        """
        taken = set(self.of_image.values())
        found: dict[str, str] = {}
        claims: dict[str, int] = defaultdict(int)
        for image in images:
            here = self._essence(folder(image))
            fitting = [
                name
                for name in self._candidates(image)
                if name not in taken and fit(here, self._essence(folder(name)))
            ]
            for name in fitting:
                claims[name] += 1
            if len(fitting) == 1:
                found[image] = fitting[0]
        self.of_image |= {image: name for image, name in found.items() if claims[name] == 1}
        return [image for image in images if image not in self.of_image]


def _labels_for_images(folder: str) -> str:
    """The folder that has ``labels`` for the last ``images``."""
    before, found, after = f"/{folder}/".rpartition("/images/")
    return f"{before}/labels/{after}".strip("/") if found else folder


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
    taken = {files.name(path) for path in claimed}
    found: dict[tuple[Path, str | None], str] = {}
    claims: dict[str, set[Path]] = defaultdict(set)
    for image in wanted:
        fitting = [name for name in _of_last_part(files, image) if name not in taken]
        for name in fitting:
            claims[name].add(image.path)
        if len(fitting) == 1:
            found[image.path, image.split] = fitting[0]
    return {key: files.path(name) for key, name in found.items() if len(claims[name]) == 1}


def _of_last_part(files: Files, image: Image) -> list[str]:
    """The files with the last part of an image's name, or its stem, that may be the image."""
    last = base(files.name(image.path).replace("\\", "/"))
    candidates = files.by_stem.get(last) or files.by_stem.get(stem(last)) or ()
    return [name for name in candidates if not _contradicts(files, image, name)]


def _contradicts(files: Files, image: Image, name: str) -> bool:
    """Whether a file lies outside of a folder that an image's name gives, or in another split."""
    *folders, _ = ["", *parts_of(files.name(image.path))]
    there = essence(folder(name).split("/"))
    if set(essence(part for part in folders if folded(part) in files.image_folders)) - set(there):
        return True
    split = split_of(files.path(name), files.root)
    if image.split and split and split != image.split:
        return True
    return contradict(essence(part for part in folders if split_in(part)), there)
