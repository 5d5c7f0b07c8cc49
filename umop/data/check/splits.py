"""Rules about images that are there more than once, and about what training must have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from umop.data.check.examined import Examined
from umop.data.check.repairs import drop_images
from umop.data.check.rules import Hit, Rule

SAME_BITS = 8
"""Most bits of 256 in which two similar images differ."""
MOST_PAIRS = 2 * 10**8
"""More pairs of images than this are not compared, which a note says."""


def _in_two_lists(examined: Examined) -> Iterator[Hit]:
    """Images of train that another split lists too."""
    return _repeated(examined, {i: str(each.path) for i, each in enumerate(examined.data.images)})


def _in_two_splits(examined: Examined) -> Iterator[Hit]:
    """Images of train with the content of an image of another split."""
    return _repeated(examined, digests(examined))


def digests(examined: Examined) -> dict[int, str]:
    """The digest of each image's content, by index."""
    records = ((index, examined.record(index)) for index in range(len(examined.data.images)))
    return {index: record.digest for index, record in records if record and record.digest}


def _repeated(examined: Examined, keys: dict[int, str]) -> Iterator[Hit]:
    """Images of train with the key of an image of another split; the keys are by index."""
    data = examined.data
    groups: dict[str, list[int]] = defaultdict(list)
    for index, key in keys.items():
        groups[key].append(index)
    for group in groups.values():
        for index in group:
            image = data.images[index]
            other = next((i for i in group if data.images[i].split != image.split), None)
            if image.split == "train" and other is not None:
                twin = data.images[other]
                text = f"{data.name(image.path)}: {data.name(twin.path)} in {twin.split}"
                yield Hit(text, index)


def _in_one_split(examined: Examined) -> Iterator[Hit]:
    """Images with the content of one before them, in the same split."""
    data = examined.data
    first: dict[tuple[str | None, str], int] = {}
    for index, digest in digests(examined).items():
        image = data.images[index]
        before = first.setdefault((image.split, digest), index)
        if before != index:
            twin = data.images[before].path
            yield Hit(f"{data.name(image.path)}: {data.name(twin)}", index)


def _alike(examined: Examined) -> Iterator[Hit]:
    """Images of one split that look like one of another."""
    data = examined.data
    hashes = perceptual_hashes(examined)
    same = digests(examined)
    for left, right in _pairs_of_splits(examined, hashes):
        if len(left) * len(right) > MOST_PAIRS:
            continue
        for i, j in close_pairs(hashes, left, right):
            if same[i] != same[j]:
                one, other = data.images[i], data.images[j]
                names = data.name(one.path), data.name(other.path)
                yield Hit(f"{names[0]} ({one.split}): {names[1]} ({other.split})", i)


def _not_compared(examined: Examined) -> Iterator[Hit]:
    """Splits with too many images to look for those that are alike."""
    images = examined.data.images
    for left, right in _pairs_of_splits(examined, perceptual_hashes(examined)):
        if len(left) * len(right) > MOST_PAIRS:
            one, other = images[left[0]].split, images[right[0]].split
            yield Hit(f"{len(left)} images of {one} with {len(right)} of {other}")


def _pairs_of_splits(
    examined: Examined, images: Iterable[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Some images, by index: those of one split and those of another, for each two splits."""
    parts: dict[str, list[int]] = {split: [] for split in examined.data.splits()}
    for index in images:
        split = examined.data.images[index].split
        if split is not None:
            parts[split].append(index)
    return combinations([part for part in parts.values() if part], 2)


def perceptual_hashes(examined: Examined) -> dict[int, NDArray[np.uint64]]:
    """The perceptual hash of each image that has one, four words of 64 bits, by index."""
    records = ((index, examined.record(index)) for index in range(len(examined.data.images)))
    return {index: record.bits() for index, record in records if record and record.perceptual_hash}


def close_pairs(
    hashes: dict[int, NDArray[np.uint64]], left: list[int], right: list[int]
) -> Iterator[tuple[int, int]]:
    """Finds images of two splits that look alike.

    Args:
        hashes: Perceptual hashes by image, four words of 64 bits.
        left: Images of one split, by index.
        right: Images of another.

    Yields:
        For each image on the left the nearest on the right, where at most :data:`SAME_BITS` differ.
    """
    others = np.stack([hashes[i] for i in right])
    for i in left:
        differing = np.bitwise_count(others ^ hashes[i]).sum(1)
        nearest = int(differing.argmin())
        if differing[nearest] <= SAME_BITS:
            yield i, right[nearest]


def _nothing_to_learn(examined: Examined) -> Iterator[Hit]:
    """Splits without boxes; ``test`` may have none."""
    data = examined.data
    splits = data.splits() or (None,)
    for split in [split for split in splits if split != "test"]:
        rows = data.in_split(split)[data.boxes.image]
        if not (rows & ~data.boxes.crowd).any():
            has = "only boxes of crowds (iscrowd or ignore is 1)" if rows.any() else "no box"
            yield Hit(f"{split or 'the data'} has {has}")


DUPLICATES = (
    Rule("split-twice-listed", "warning", "image of train that another split lists too",
         _in_two_lists, drop_images, "left out of train", automatic=False),
    Rule("split-same-content", "warning", "image of train that is in another split too",
         _in_two_splits, drop_images, "left out of train", automatic=False),
    Rule("split-alike", "warning", "image of one split that looks like one of another", _alike),
    Rule("split-not-compared", "note", "too many images to look for those that are alike",
         _not_compared),
    Rule("image-twice", "warning", "image with the content of another of its split",
         _in_one_split, drop_images, "left out", automatic=False),
)  # fmt: skip
EMPTY = (Rule("split-empty", "error", "split without boxes", _nothing_to_learn),)
