"""Rules about boxes that follow another convention than their format's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from umop.data.check.examined import Examined
from umop.data.check.repairs import rows_of, with_corners
from umop.data.check.rules import Hit, Rule, box_hits

NEARLY_ALL = 0.98
MANY = 0.1
SOME = 0.02
FEWEST_BEYOND = 5
"""Boxes that reach out of an image by a hand's slip are fewer."""
ROUNDING = 1.0
"""In pixels, where boxes are in pixels."""
Mask = NDArray[np.bool_] | np.bool_


def in_pixels(examined: Examined) -> Iterator[Hit]:
    """Boxes in pixels where parts of the sides belong."""
    corners = examined.data.boxes.corners
    mask = np.full(len(corners), examined.data.relative) & (np.abs(corners).max(1, initial=0) > 2)
    return box_hits(examined, mask, lambda box: f"{numbers(corners[box])} are pixels, not 0 to 1")


def divide(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Turns pixels into parts of the sides."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] /= actual_sizes(examined)[rows]
    return with_corners(examined, corners)


def in_parts(examined: Examined) -> Iterator[Hit]:
    """Boxes in parts of the sides where pixels belong: all boxes of an image are within 0 to 1."""
    data = examined.data
    corners = data.boxes.corners
    farthest = np.zeros(len(data.images))
    np.maximum.at(farthest, data.boxes.image, np.nan_to_num(np.abs(corners)).max(1, initial=0))
    mask = (farthest[data.boxes.image] <= 1) & (corners[:, 2:] > corners[:, :2]).all(1)
    mask &= ~np.full(len(corners), data.relative)
    return box_hits(examined, mask, lambda box: f"{numbers(corners[box])} are 0 to 1, not pixels")


def multiply(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Turns parts of the sides into pixels."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] *= actual_sizes(examined)[rows]
    return with_corners(examined, corners)


def corners_for_sizes(examined: Examined) -> Iterator[Hit]:
    """Boxes with the second corner where width and height belong, in COCO's and YOLO's files.

    An annotation file is taken for such where nearly all its second pairs of numbers are larger
    than the first and within the image, and many boxes would reach out of it otherwise.
    """
    if examined.data.unit not in ("annotation", "line") or not has_sizes(examined):
        return iter(())
    first, second = as_written(examined)
    limit, rounding = limits(examined), 0.0 if examined.data.relative else ROUNDING
    plausible = ((second > first) & (second <= limit * 1.001 + rounding)).all(1)
    mask = whole_sources(examined, plausible, out(examined, *spans(examined)))
    return box_hits(
        examined, mask, lambda box: f"{numbers(first[box], second[box])} are two corners"
    )


def centre_for_corner(examined: Examined) -> Iterator[Hit]:
    """Boxes with their centre where the corner belongs, in COCO's files; in YOLO's the other way.

    An annotation file is taken for such where some boxes reach out of their images as they are
    meant to be read, and hardly any the other way. Objects are cut off at all edges of an image,
    so that where boxes are only drawn too large, many reach out either way.
    """
    if not has_sizes(examined):
        return iter(())
    beyond, beyond_otherwise = (
        out(examined, *spans(examined)),
        out(examined, *other_spans(examined)),
    )
    first, second = as_written(examined)
    group = sources(examined)
    count, count_otherwise = np.bincount(group, beyond), np.bincount(group, beyond_otherwise)
    larger = np.bincount(group, (second > first).all(1))
    boxes = np.bincount(group)
    taken = (count >= np.maximum(FEWEST_BEYOND, SOME * boxes)) & (count_otherwise <= MANY * count)
    if examined.data.layout == "YOLO":
        taken &= larger < NEARLY_ALL * boxes  # two corners, of objects near the first one
    what = "corner" if examined.data.layout == "YOLO" else "centre"
    return box_hits(
        examined,
        taken[group],
        lambda box: f"{numbers(first[box], second[box])} start with the {what}",
    )


def take_other_way(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Reads the first pair of numbers as the centre in COCO's files, as the corner in YOLO's."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] = np.column_stack(other_spans(examined))[rows]
    return with_corners(examined, corners)


def spans(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two corners of each box as the format means them."""
    corners = examined.data.boxes.corners
    return corners[:, :2], corners[:, 2:]


def other_spans(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two corners of each box with centre and corner exchanged."""
    first, size = as_written(examined)
    start = first if examined.data.layout == "YOLO" else first - size / 2
    return start, start + size


def out(
    examined: Examined, start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which boxes reach out of their images, by more than rounding and a hundredth of a side."""
    limit = limits(examined)
    slack = limit * 0.01 + (0.0 if examined.data.relative else ROUNDING)
    return np.any((start < -slack) | (end > limit + slack), axis=1)


def has_sizes(examined: Examined) -> bool:
    """Whether the format gives a box's size, not its second corner: COCO's and YOLO's do."""
    return examined.data.unit == "annotation" or examined.data.layout == "YOLO"


def as_written(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two pairs of numbers of each box as they stand in COCO's or YOLO's file."""
    corners = examined.data.boxes.corners
    sizes = corners[:, 2:] - corners[:, :2]
    is_centre = examined.data.layout == "YOLO"
    return corners[:, :2] + sizes / 2 if is_centre else corners[:, :2], sizes


def take_as_corners(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Reads the two pairs of numbers as two corners."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] = np.column_stack(as_written(examined))[rows]
    return with_corners(examined, corners)


def sizes_for_corners(examined: Examined) -> Iterator[Hit]:
    """Boxes with width and height where the second corner belongs, in VOC's or CSV files."""
    if has_sizes(examined) or examined.data.relative:
        return iter(())
    corners = examined.data.boxes.corners
    fits = (corners[:, :2] + corners[:, 2:] <= limits(examined) + ROUNDING).all(1)
    inverted = (corners[:, 2:] < corners[:, :2]).any(1)
    together = inverted.mean() > MANY and fits.mean() > NEARLY_ALL if len(corners) else False
    mask = np.full(len(corners), together)
    return box_hits(examined, mask, lambda box: f"{numbers(corners[box])} end in width and height")


def take_as_sizes(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Reads the second pair of numbers as width and height."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows, 2:] += corners[rows, :2]
    return with_corners(examined, corners)


def whole_sources(examined: Examined, plausible: Mask, beyond: Mask) -> NDArray[np.bool_]:
    """The boxes of annotation files in which nearly all are plausible and many are beyond."""
    group = sources(examined)
    counts = np.maximum(np.bincount(group), 1)
    share = np.bincount(group, plausible) / counts
    share_beyond = np.bincount(group, beyond) / counts
    return ((share >= NEARLY_ALL) & (share_beyond > MANY))[group]


def sources(examined: Examined) -> NDArray[np.int64]:
    """The number of each box's annotation file, int64 of shape (boxes,).

    YOLO's files, one an image, are judged together, and have one number.
    """
    images = examined.data.images
    if examined.data.layout == "YOLO" or not images:
        return np.zeros(len(examined.data.boxes), np.int64)
    number = {source: i for i, source in enumerate(sorted({each.source for each in images}))}
    of_image = np.array([number[each.source] for each in images], np.int64)
    return of_image[examined.data.boxes.image]


def limits(examined: Examined) -> NDArray[np.float64]:
    """The largest x and y of each box, float64 of shape (boxes, 2)."""
    sizes = actual_sizes(examined)[:, :2]
    return np.ones_like(sizes) if examined.data.relative else sizes


def actual_sizes(examined: Examined) -> NDArray[np.float64]:
    """Width, height, width and height of each box's image, float64 of shape (boxes, 4)."""
    sizes = []
    for index, image in enumerate(examined.data.images):
        record = examined.record(index)
        sizes.append(
            (image.width, image.height)
            if image.width and image.height
            else (record.width, record.height)
            if record
            else (1, 1)
        )
    by_image = np.array(sizes, dtype=np.float64).reshape(-1, 2)
    return np.tile(by_image[examined.data.boxes.image], 2)


def numbers(*parts: NDArray[np.float64]) -> str:
    """Numbers for a message."""
    return ", ".join(f"{value:g}" for value in np.concatenate(parts).round(3))


RULES = (
    Rule("convention-pixels", "error", "box in pixels where parts of the sides (0–1) belong",
         in_pixels, divide, "divided by the image's size"),
    Rule("convention-normalised", "error", "box in parts of the sides (0–1) where pixels belong",
         in_parts, multiply, "multiplied by the image's size"),
    Rule("convention-centre", "error",
         "box with its centre where the corner belongs, or the corner where the centre belongs",
         centre_for_corner, take_other_way, "read the other way"),
    Rule("convention-corners", "error", "box with a second corner where width and height belong",
         corners_for_sizes, take_as_corners, "read as two corners"),
    Rule("convention-sizes", "error", "box with width and height where the second corner belongs",
         sizes_for_corners, take_as_sizes, "read as corner, width and height"),
)  # fmt: skip
