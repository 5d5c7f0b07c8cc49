"""Splits a data set into training and validation where no list does."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.check.records import Record
from umop.data.check.splits import MOST_PAIRS, SAME_BITS
from umop.data.dataset import DataSet

_VAL_SHARE = 0.2
_SEED = 0
_COPY_OF = re.compile(r"(_jpe?g|_png)?\.rf\.[0-9a-zA-Z]+$")
"""What Roboflow adds to the name of an image that it has changed."""


def with_splits(data: DataSet, records: Mapping[Path, Record | None]) -> DataSet:
    """Gives every image a split; those that have one keep it.

    Where only ``test`` is listed beside ``train``, it is taken for validation. Where nothing or
    only ``train`` is listed, a fifth of the images goes to validation: the same at every start,
    with each class in both parts where it can be. Images that are the same or look alike, and
    copies of one image that Roboflow has changed, stay together.

    Args:
        data: The data set.
        records: What its images' files hold.
    """
    named = set(data.splits())
    if "val" in named:
        return with_named(data, {None: "train"})
    if "test" in named:
        return with_named(data, {None: "train", "test": "val"})
    is_val = _chosen(data, records)
    images = tuple(
        replace(image, split="val" if val else "train")
        for image, val in zip(data.images, is_val, strict=True)
    )
    return replace(data, images=images)


def with_named(data: DataSet, names: Mapping[str | None, str]) -> DataSet:
    """Renames splits."""
    images = tuple(
        replace(image, split=names.get(image.split, image.split)) for image in data.images
    )
    return replace(data, images=images)


def _chosen(data: DataSet, records: Mapping[Path, Record | None]) -> NDArray[np.bool_]:
    """Which images are for validation, bool of shape (images,).

    Groups of images are dealt one by one, those of the rarest class first, each to the part that
    still needs that class most.
    """
    groups = _together(data, records)
    order = np.random.default_rng(_SEED).permutation(len(groups))
    by_image = _class_counts(data)
    contents = [by_image[group].sum(0) for group in groups]
    total = by_image.sum(0)
    need = np.stack([total * (1 - _VAL_SHARE), total * _VAL_SHARE])
    rarest = {i: _rarest_class(contents[i], total) for i in range(len(groups))}
    is_val = np.zeros(len(data.images), np.bool_)
    for i in sorted(order.tolist(), key=lambda i: total[rarest[i]]):
        share = need[:, rarest[i]] / np.array([1 - _VAL_SHARE, _VAL_SHARE])
        val = bool(share[1] > share[0])
        need[int(val)] -= contents[i]
        is_val[groups[i]] = val
    return is_val


def _together(data: DataSet, records: Mapping[Path, Record | None]) -> list[list[int]]:
    """The images in groups that must not be torn apart."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, image in sorted(enumerate(data.images), key=lambda each: each[1].path):
        record = records.get(image.path)
        original = _COPY_OF.sub("", image.path.stem)
        copied = original != image.path.stem
        content = (record.perceptual_hash or record.digest) if record else str(image.path)
        groups[original if copied else content].append(index)
    found = {index: records.get(image.path) for index, image in enumerate(data.images)}
    bits = {
        index: record.bits() for index, record in found.items() if record and record.perceptual_hash
    }
    return join_similar(list(groups.values()), bits, int(len(data.images) * _VAL_SHARE / 2))


def join_similar(
    groups: list[list[int]], bits: Mapping[int, NDArray[np.uint64]], largest: int
) -> list[list[int]]:
    """Joins groups whose first images look alike.

    Args:
        groups: Images, by index.
        bits: Perceptual hashes, by image.
        largest: Most images of a joined group. Frames of one video may all look alike, and must
            not all end up in one part.
    """
    numbers = [number for number, group in enumerate(groups) if group[0] in bits]
    if not numbers or len(numbers) ** 2 > MOST_PAIRS:
        return groups
    table = np.stack([bits[groups[number][0]] for number in numbers])
    belongs = list(groups)
    for row, number in enumerate(numbers):
        differing = np.bitwise_count(table[row + 1 :] ^ table[row]).sum(1)
        for other in np.flatnonzero(differing <= SAME_BITS).tolist():
            one, two = belongs[number], belongs[numbers[row + 1 + other]]
            if one is not two and len(one) + len(two) <= largest:
                both = one + two
                belongs = [both if group is one or group is two else group for group in belongs]
    return list({id(group): group for group in belongs}.values())


def _class_counts(data: DataSet) -> NDArray[np.int64]:
    """Boxes of each class in each image, and a 1 for the image itself.

    Returns:
        int64 of shape (images, classes + 1).
    """
    counts = np.zeros((len(data.images), len(data.classes) + 1), np.int64)
    np.add.at(counts, (data.boxes.image, data.boxes.label), 1)
    counts[:, -1] = 1
    return counts


def _rarest_class(content: NDArray[np.int64], total: NDArray[np.int64]) -> int:
    """The class of a group of images that has the fewest boxes in all; the last for none."""
    present = np.flatnonzero(content[:-1])
    return int(present[total[present].argmin()]) if len(present) else len(content) - 1
