"""Images that lie in another folder than their annotation says, found by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from umop.data.dataset import DataSet, Image, Issue
from umop.data.files.essences import Essence
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
from umop.data.files.reading import is_file
from umop.data.files.tree import Files

_SHOWN = 2


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


def without_doubtful_images(data: DataSet, files: Files) -> DataSet:
    """The data set without images with an annotation file of their own that may be several."""
    if not data.notation.file_per_image:
        return data
    claimed = {image.path for image in data.images}
    numbers = {
        number: image
        for number, image in enumerate(data.images)
        if not files.has(image.path) and is_file(image.source)
    }
    doubtful: dict[int, Issue] = {}
    candidates = _Candidates(files, numbers.values(), claimed)
    for number, image in numbers.items():
        fitting = candidates.of(candidates.traits(image))
        if len(fitting) > 1:
            text = f"{data.name(image.source)}: it is not clear whether it is of {_shown(fitting)}"
            text += ": keep the folder of one of them only"
            doubtful[number] = Issue("box-of-no-image", text, image.path)
    kept = np.array([number not in doubtful for number in range(len(data.images))], np.bool_)
    return replace(data.with_images(kept), issues=(*data.issues, *doubtful.values()))


def _shown(names: Sequence[str]) -> str:
    """Some of several names."""
    more = len(names) - _SHOWN
    return " or ".join([*sorted(names)[:_SHOWN], *([f"one of {more} more"] if more else [])])


def _found_by_split(
    files: Files, wanted: Iterable[Image], claimed: Iterable[Path]
) -> dict[tuple[Path, str | None], Path]:
    """The file of each path and split for which there is one, see :func:`found_by_name`.

    Lists of two splits may expect images of one name in one place, and mean two.
    """
    wanted = list(wanted)
    candidates = _Candidates(files, wanted, claimed)
    groups: dict[_Traits, dict[Path, None]] = defaultdict(dict)
    for image in wanted:
        groups[candidates.traits(image)][image.path] = None
    claims: dict[str, set[Path]] = defaultdict(set)
    for traits, paths in groups.items():
        enough = list(paths)[:2]  # a second one refuses the file
        for name in candidates.of(traits):
            claims[name].update(enough)
    return {
        (path, traits.split): files.path(name)
        for traits, paths in groups.items()
        for name in _only(candidates.of(traits))
        for path in paths
        if len(claims[name]) == 1
    }


def _only(names: Sequence[str]) -> Iterator[str]:
    """The name that is alone; nothing where there are several."""
    if len(names) == 1:
        yield names[0]


class _Traits(NamedTuple):
    """What decides which files an image may be.

    Attributes:
        key: The last part of its name, or its stem where no file has the suffix.
        known: The essence of the folders in its name that hold images.
        split: Its split.
        split_folders: The essence of the folders in its name that have a split's word.
    """

    key: str
    known: Essence
    split: str | None
    split_folders: Essence


class _Candidates:
    """The files that may be images by the last part of their names.

    Args:
        files: The files of the data set.
        wanted: The images.
        claimed: The paths of images, which are no other image.
    """

    def __init__(self, files: Files, wanted: Iterable[Image], claimed: Iterable[Path]) -> None:
        self._files = files
        self._taken = {files.name(path) for path in claimed}
        self._essence = cache(lambda folder: essence(folder.split("/")))
        self._by_part: dict[tuple[str, str], list[str]] = defaultdict(list)
        for key in {self._key(image) for image in wanted}:
            for name in files.by_stem.get(key, ()):
                for part in set(self._essence(folder(name))):
                    self._by_part[key, part].append(name)
        self.of = cache(self._of)

    def traits(self, image: Image) -> _Traits:
        """What decides which files an image may be."""
        folders = parts_of(self._files.name(image.path))[:-1]
        known = essence(part for part in folders if folded(part) in self._files.image_folders)
        split_folders = essence(part for part in folders if split_in(part))
        return _Traits(self._key(image), known, image.split, split_folders)

    def _key(self, image: Image) -> str:
        last = base(self._files.name(image.path).replace("\\", "/"))
        return last if last in self._files.by_stem else stem(last)

    def _of(self, traits: _Traits) -> list[str]:
        """Those that no folder says to be another image than one of some traits."""
        groups = (self._by_part.get((traits.key, part), ()) for part in traits.known)
        fewest = min(groups, key=len, default=self._files.by_stem.get(traits.key, ()))
        free = (name for name in fewest if name not in self._taken)
        return [name for name in free if not self._contradicts(traits, folder(name))]

    def _contradicts(self, traits: _Traits, place: str) -> bool:
        """Whether a folder is outside of one that an image's name gives, or in another split."""
        there = self._essence(place)
        if set(traits.known) - set(there):
            return True
        split = self._files.split_of_folder(place)
        if traits.split and split and split != traits.split:
            return True
        return contradict(traits.split_folders, there)
