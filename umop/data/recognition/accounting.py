"""Sees to it that each image is in a data set once, and that what was put together is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.dataset import DataSet, Image, Issue
from umop.data.files.names import folded, parts_of, stem
from umop.data.files.tree import Files
from umop.system.console import counted

_DIGITS = 6


def listed_once(data: DataSet) -> DataSet:
    """The data set without images that are listed again.

    Boxes of one image in several lists are put together, each once. A list without a split says
    nothing that one with a split does not. Images of two splits stay in both: the check warns.
    """
    groups: dict[Path, list[int]] = defaultdict(list)
    for index, image in enumerate(data.images):
        groups[image.path].append(index)
    repeated = [group for group in groups.values() if len(group) > 1]
    if not repeated:
        return data
    merger = _Merger(data, {}, set(), [], [])
    for group in repeated:
        merger.take(group)
    return merger.merged()


def with_splits_of_folders(data: DataSet, files: Files) -> DataSet:
    """The data set with the splits that its images' folders say, where no annotation file says."""
    if data.splits():
        return data
    splits = [files.split_of(image.path) for image in data.images]
    if not {"train"} < {split for split in splits if split}:
        return data
    images = zip(data.images, splits, strict=True)
    return replace(data, images=tuple(replace(image, split=split) for image, split in images))


def with_doubts_of_splits(data: DataSet, files: Files) -> DataSet:
    """The data set with a note on folders for training in one that is not."""
    trained = (image.path for image in data.images if image.split == "train")
    folders = {files.folder_of(path) for path in trained if path.is_relative_to(files.root)}
    found = sorted(filter(files.splits.is_in_doubt, folders))
    text = "rename it, or the one around it, if it is not for training"
    issues = (Issue("split-unclear", f"{name}: {text}") for name in found)
    return replace(data, issues=(*data.issues, *issues))


def with_all_splits(data: DataSet) -> DataSet:
    """The data set with the images for training that no list names, where others are named."""
    rest = [image for image in data.images if image.split is None]
    if not rest or not data.splits():
        return data
    text = f"{counted(len(rest), 'image')}, such as {data.name(rest[0].path)}"
    images = (replace(image, split=image.split or "train") for image in data.images)
    return replace(data, images=tuple(images), issues=(*data.issues, Issue("split-unnamed", text)))


@dataclass(frozen=True)
class _Merger:
    """Puts images together.

    Attributes:
        data: The data set.
        into: The image that takes the boxes of another, by index.
        without_boxes: Images of which the boxes are left out too.
        issues: What is refused.
        joined: Images that take the boxes of another, with that.
    """

    data: DataSet
    into: dict[int, int]
    without_boxes: set[int]
    issues: list[Issue]
    joined: list[tuple[int, int]]

    def take(self, group: list[int]) -> None:
        """Puts the listings of one file together: those of each split, and those without one."""
        images = self.data.images
        by_split: dict[str | None, list[int]] = defaultdict(list)
        for index in group:
            by_split[images[index].split].append(index)
        splits = [split for split in by_split if split is not None]
        for split, (first, *others) in by_split.items():
            for other in others:
                self._put_into(other, first)
            if split is None and splits:
                taken = by_split[splits[0]][0]
                self.without_boxes.update((first, *others))
                self.into[first] = taken
                text = f"{self._names(first, taken)}: the first names no split, and is left out"
                self.issues.append(self._twice(first, text))

    def _put_into(self, other: int, first: int) -> None:
        one, two = self.data.images[first], self.data.images[other]
        self.into[other] = first
        if self._are_two_entries(first, other):
            ids = f"the ids {one.number} and {two.number}"
            self._refuse(first, f"{self.data.name(one.source)} has it under {ids}, two images")
            self.without_boxes.update((first, other))
        elif not _are_one(one, two):
            self._refuse(first, f"{one.written} and {two.written}, two images")
            self.without_boxes.update((first, other))
        elif self.data.notation.file_per_image and one.source.stem != two.source.stem:
            self._refuse(first, f"{self._names(first, other)}, files of two images")
            self.without_boxes.update(i for i in (first, other) if not self._has_its_name(i))
        else:
            self.joined.append((first, other))

    def _are_two_entries(self, first: int, other: int) -> bool:
        """Whether two images of one annotation file have ids of their own, and are two.

        COCO's entries that say the same are one: some tools write one for each box.
        """
        one, two = self.data.images[first], self.data.images[other]
        if one.source != two.source or one.number == two.number:
            return False
        is_listed_apart = self.data.notation.place == "annotation"
        return not is_listed_apart or _said(one) != _said(two)

    def _refuse(self, index: int, text: str) -> None:
        path = self.data.images[index].path
        self.issues.append(Issue("file-claimed-twice", f"{self.data.name(path)}: {text}", path))

    def _has_its_name(self, index: int) -> bool:
        """Whether an image's annotation has its name."""
        image = self.data.images[index]
        return image.source.stem in (image.path.stem, image.path.name)

    def _names(self, first: int, other: int) -> str:
        """The annotation files of two images."""
        images = (self.data.images[index] for index in (first, other))
        one, two = (self.data.name(each.source) for each in images)
        return f"{one}, twice" if one == two else f"{one} and {two}"

    def _twice(self, index: int, text: str) -> Issue:
        path = self.data.images[index].path
        return Issue("listed-twice", f"{self.data.name(path)}: {text}", path)

    def _joined_issues(self, kept: NDArray[np.bool_]) -> Iterator[Issue]:
        """Says which images are put together, and how many boxes the later ones add.

        Args:
            kept: Which boxes are kept, bool of shape (boxes,).
        """
        counts = self.data.with_boxes(kept).boxes_per_image()
        for first, other in self.joined:
            adds = f"; the second adds {counted(counts[other], 'box')} to {counts[first]}"
            yield self._twice(first, self._names(first, other) + (adds if counts[other] else ""))

    def merged(self) -> DataSet:
        """The data set with each image once."""
        data = self.data
        is_left_out = np.isin(data.boxes.image, sorted(self.without_boxes))
        number = np.arange(len(data.images))
        for other, first in self.into.items():
            number[other] = self.into.get(first, first)
        boxes = replace(data.boxes, image=number[data.boxes.image])
        touched = np.isin(boxes.image, sorted(set(self.into.values())))
        is_moved = data.boxes.image != boxes.image
        again = _are_again(np.column_stack([boxes.image, boxes.label, boxes.corners]), touched)
        is_kept = ~is_left_out & ~(again & is_moved)
        said = self._joined_issues(is_kept)
        images = np.array([index not in self.into for index in range(len(data.images))], np.bool_)
        whole = replace(data, boxes=boxes[is_kept], issues=(*data.issues, *said, *self.issues))
        return whole.with_images(images)


def _said(image: Image) -> tuple[str, int | None, int | None]:
    """What an annotation says of an image, but for its id."""
    return image.written, image.width, image.height


def _are_again(rows: NDArray[np.float64], touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows are the same as one before, of those that may be."""
    seen: set[tuple[float, ...]] = set()
    again = np.zeros(len(rows), np.bool_)
    for index in np.flatnonzero(touched).tolist():
        row = tuple(rows[index].round(_DIGITS).tolist())
        again[index] = row in seen
        seen.add(row)
    return again


def _are_one(one: Image, two: Image) -> bool:
    """Whether two names that a file was found by may be of one image: one ends with the other."""
    *first, last = ["", *parts_of(folded(one.written))]
    *second, other = ["", *parts_of(folded(two.written))]
    if not (last and other):
        return True
    shorter = min(len(first), len(second)) - 1
    have_same_end = other in (last, stem(last)) or last == stem(other)
    return have_same_end and (not shorter or first[-shorter:] == second[-shorter:])
