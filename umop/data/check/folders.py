"""Rules about several folders that are one data set: an image of two of them is there once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

from umop.data.check.examined import Examined
from umop.data.check.repairs import drop_images
from umop.data.check.rules import Hit, Rule
from umop.data.check.splits import MOST_PAIRS, close_pairs, digests, perceptual_hashes


def _in_a_later_folder(examined: Examined) -> Iterator[Hit]:
    data = examined.data
    for earlier, later in dict(_pairs(examined)).items():
        names = data.name(data.images[earlier].path), data.name(data.images[later].path)
        yield Hit(f"{names[0]}: {names[1]}", earlier)


def _pairs(examined: Examined) -> list[tuple[int, int]]:
    """Images of two folders that are one image, by index, those of the earliest folders first.

    An image of a later folder is the one with its content, or else the one that looks most alike.
    """
    folder = [image.folder for image in examined.data.images]
    found = list(_of_one_content(examined))
    hashes = perceptual_hashes(examined)
    known = {later for _, later in found}
    for number in range(1, max(folder, default=0) + 1):
        later = [i for i in hashes if folder[i] == number and i not in known]
        earlier = [i for i in hashes if folder[i] < number]
        if later and earlier and len(later) * len(earlier) <= MOST_PAIRS:
            found += [(near, i) for i, near in close_pairs(hashes, later, earlier)]
    return sorted(found, key=lambda pair: (folder[pair[1]], pair))


def _of_one_content(examined: Examined) -> Iterator[tuple[int, int]]:
    """Pairs of images with one content, each with those of the next folder that has it."""
    groups: dict[str, dict[int, list[int]]] = {}
    for index, digest in digests(examined).items():
        by_folder = groups.setdefault(digest, {})
        by_folder.setdefault(examined.data.images[index].folder, []).append(index)
    for by_folder in groups.values():
        for earlier, later in pairwise(by_folder.values()):
            yield from product(earlier, later)


def _take_later(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Leaves out the earlier ones; the later ones take their split."""
    pairs, images = _pairs(examined), list(examined.data.images)
    for earlier, later in pairs:
        images[later] = replace(images[later], split=images[earlier].split)
    return drop_images(examined.with_data(replace(examined.data, images=tuple(images))), hits)


def _alike_elsewhere(examined: Examined) -> Iterator[Hit]:
    """Images for training that look like one that another folder has not for training."""
    data, hashes = examined.data, perceptual_hashes(examined)
    images = data.images
    for number in sorted({image.folder for image in images}):
        left = [i for i in hashes if images[i].folder == number and images[i].split == "train"]
        right = [i for i in hashes if images[i].folder != number and images[i].split != "train"]
        if left and right and len(left) * len(right) <= MOST_PAIRS:
            for i, near in close_pairs(hashes, left, right):
                other = images[near]
                yield Hit(f"{data.name(images[i].path)}: {data.name(other.path)}, {other.split}", i)


RULES = (
    Rule("folder-again", "note", "image that a later folder has too",
         _in_a_later_folder, _take_later, "the later folder's boxes are taken, the first's split"),
    Rule("folder-alike", "note", "image of train that looks like one of another folder and split",
         _alike_elsewhere, drop_images, "left out of train"),
)  # fmt: skip
