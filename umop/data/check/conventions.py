"""Rules about boxes that follow another convention than their format's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from umop.data.check.examined import Examined
from umop.data.check.repairs import rows_of, with_corners
from umop.data.check.rules import Hit, Rule, box_hits

_NEARLY_ALL = 0.98
_MANY = 0.1
_SOME = 0.02
_FEWEST_BEYOND = 5
"""Boxes that reach out of an image by a hand's slip are fewer."""
_MOST_PART = 2
"""Larger numbers are no parts of the sides, whatever reaches out of its image."""
_ROUNDING = 1.0
"""In pixels, where boxes are in pixels."""
_Mask = NDArray[np.bool_] | np.bool_


def _pixels_for_parts(examined: Examined) -> Iterator[Hit]:
    """Boxes in pixels where parts of the sides belong."""
    corners = examined.data.boxes.corners
    mask = np.abs(corners).max(1, initial=0) > _MOST_PART
    mask &= np.full(len(corners), examined.data.relative)
    return box_hits(examined, mask, lambda box: f"{formatted(corners[box])} are pixels, not 0 to 1")


def _divide(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Turns pixels into parts of the sides."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] /= actual_sizes(examined)[rows]
    return with_corners(examined, corners)


def _parts_for_pixels(examined: Examined) -> Iterator[Hit]:
    """Boxes in parts of the sides where pixels belong.

    They are those of an annotation file whose boxes nearly all have small numbers, not all whole,
    and of an image whose numbers all are within 0 to 1.
    """
    data = examined.data
    written = np.hstack(_as_written(examined))
    numbers = np.abs(np.where(np.isfinite(written), written, 0))
    source = _source_of_boxes(examined)
    mask = numbers.max(1, initial=0) <= _MOST_PART
    many_larger = np.bincount(source, ~mask) > _MANY * np.bincount(source)
    mask &= ~many_larger[source] & (_largest(numbers * mask[:, None] % 1, source) > 0)
    has_area = (data.boxes.corners[:, 2:] > data.boxes.corners[:, :2]).all(1)
    mask |= (_largest(numbers, data.boxes.image) <= 1) & has_area
    mask &= np.isfinite(written).all(1) & ~np.full(len(written), data.relative)
    return box_hits(examined, mask, lambda box: f"{formatted(written[box])} are 0 to 1, not pixels")


def _largest(numbers: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """The largest number of all boxes of each box's group, float64 of shape (boxes,).

    Args:
        numbers: Float64 of shape (boxes, 4).
        group: The group of each box, int64 of shape (boxes,).
    """
    largest = np.zeros(group.max(initial=0) + 1)
    np.maximum.at(largest, group, numbers.max(1, initial=0))
    return largest[group]


def _multiply(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Turns parts of the sides into pixels."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] *= actual_sizes(examined)[rows]
    return with_corners(examined, corners)


def _corners_for_sizes(examined: Examined) -> Iterator[Hit]:
    """Boxes with the second corner where width and height belong.

    An annotation file is taken for such where nearly all its second pairs of numbers are larger
    than the first and within the image, and many boxes would reach out of it otherwise.
    """
    if not _has_sizes(examined):
        return iter(())
    first, second = _as_written(examined)
    limit, rounding = _limits(examined), 0.0 if examined.data.relative else _ROUNDING
    plausible = ((second > first) & (second <= limit * 1.001 + rounding)).all(1)
    mask = _whole_sources(examined, plausible, _out(examined, *_spans(examined)))
    return box_hits(
        examined, mask, lambda box: f"{formatted(first[box], second[box])} are two corners"
    )


def _centre_for_corner(examined: Examined) -> Iterator[Hit]:
    """Boxes with their centre where the corner belongs, or the corner where the centre belongs.

    An annotation file is taken for such where some boxes reach out of their images as they are
    meant to be read, and hardly any the other way. Objects are cut off at all edges of an image,
    so that where boxes are only drawn too large, many reach out either way.
    """
    if not _has_sizes(examined):
        return iter(())
    beyond, beyond_otherwise = (
        _out(examined, *_spans(examined)),
        _out(examined, *_other_spans(examined)),
    )
    first, second = _as_written(examined)
    group = _source_of_boxes(examined)
    count, count_otherwise = np.bincount(group, beyond), np.bincount(group, beyond_otherwise)
    larger = np.bincount(group, (second > first).all(1))
    boxes = np.bincount(group)
    taken = (count >= np.maximum(_FEWEST_BEYOND, _SOME * boxes)) & (
        count_otherwise <= _MANY * count
    )
    taken &= larger < _NEARLY_ALL * boxes  # these are two corners, of small objects
    what = "corner" if _starts_with_centre(examined) else "centre"
    return box_hits(
        examined,
        taken[group],
        lambda box: f"{formatted(first[box], second[box])} start with the {what}",
    )


def _take_other_way(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Reads the first pair of numbers as the centre where a corner is meant, or the other way."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] = np.column_stack(_other_spans(examined))[rows]
    return with_corners(examined, corners)


def _spans(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two corners of each box as the format means them."""
    corners = examined.data.boxes.corners
    return corners[:, :2], corners[:, 2:]


def _other_spans(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two corners of each box with centre and corner exchanged."""
    first, size = _as_written(examined)
    start = first if _starts_with_centre(examined) else first - size / 2
    return start, start + size


def _out(
    examined: Examined, start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which boxes reach out of their images, by more than rounding and a hundredth of a side."""
    limit = _limits(examined)
    slack = limit * 0.01 + (0.0 if examined.data.relative else _ROUNDING)
    return np.any((start < -slack) | (end > limit + slack), axis=1)


def _has_sizes(examined: Examined) -> bool:
    """Whether the layout gives a box's size, not its second corner."""
    return examined.data.notation.encoding != "corners"


def _starts_with_centre(examined: Examined) -> bool:
    """Whether the layout gives a box's centre, not its first corner."""
    return examined.data.notation.encoding == "centre and size"


def _as_written(examined: Examined) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two pairs of numbers of each box as they stand in its file."""
    corners = examined.data.boxes.corners
    if not _has_sizes(examined):
        return _spans(examined)
    sizes = corners[:, 2:] - corners[:, :2]
    start = corners[:, :2]
    return start + sizes / 2 if _starts_with_centre(examined) else start, sizes


def _take_as_corners(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Reads the two pairs of numbers as two corners."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows] = np.column_stack(_as_written(examined))[rows]
    return with_corners(examined, corners)


def _sizes_for_corners(examined: Examined) -> Iterator[Hit]:
    """Boxes with width and height where the second corner belongs."""
    if _has_sizes(examined) or examined.data.relative:
        return iter(())
    corners = examined.data.boxes.corners
    fits = (corners[:, :2] + corners[:, 2:] <= _limits(examined) + _ROUNDING).all(1)
    inverted = (corners[:, 2:] < corners[:, :2]).any(1)
    together = inverted.mean() > _MANY and fits.mean() > _NEARLY_ALL if len(corners) else False
    mask = np.full(len(corners), together)
    return box_hits(
        examined, mask, lambda box: f"{formatted(corners[box])} end in width and height"
    )


def _take_as_sizes(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Reads the second pair of numbers as width and height."""
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    corners[rows, 2:] += corners[rows, :2]
    return with_corners(examined, corners)


def _whole_sources(examined: Examined, plausible: _Mask, beyond: _Mask) -> NDArray[np.bool_]:
    """The boxes of annotation files in which nearly all are plausible and many are beyond."""
    group = _source_of_boxes(examined)
    counts = np.maximum(np.bincount(group), 1)
    share = np.bincount(group, plausible) / counts
    share_beyond = np.bincount(group, beyond) / counts
    return ((share >= _NEARLY_ALL) & (share_beyond > _MANY))[group]


def _source_of_boxes(examined: Examined) -> NDArray[np.int64]:
    """The number of each box's annotation file, int64 of shape (boxes,)."""
    return examined.sources()[examined.data.boxes.image]


def _limits(examined: Examined) -> NDArray[np.float64]:
    """The largest x and y of each box, float64 of shape (boxes, 2)."""
    sizes = actual_sizes(examined)[:, :2]
    return np.ones_like(sizes) if examined.data.relative else sizes


def actual_sizes(examined: Examined) -> NDArray[np.float64]:
    """What each box's corners are parts of: its image's width, height, width and height.

    Where the data set has no size yet, unlike for :meth:`Examined.sizes`, it is that of the image's
    file, and 1 where there is none. Float64 of shape (boxes, 4).
    """
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


def formatted(*parts: NDArray[np.float64]) -> str:
    """Numbers for a message."""
    return ", ".join(f"{value:g}" for value in np.concatenate(parts).round(3))


RULES = (
    Rule("convention-pixels", "error", "box in pixels where parts of the sides (0–1) belong",
         _pixels_for_parts, _divide, "divided by the image's size"),
    Rule("convention-normalised", "error", "box in parts of the sides (0–1) where pixels belong",
         _parts_for_pixels, _multiply, "multiplied by the image's size"),
    Rule("convention-centre", "error",
         "box with its centre where the corner belongs, or the corner where the centre belongs",
         _centre_for_corner, _take_other_way, "read the other way"),
    Rule("convention-corners", "error", "box with a second corner where width and height belong",
         _corners_for_sizes, _take_as_corners, "read as two corners"),
    Rule("convention-sizes", "error", "box with width and height where the second corner belongs",
         _sizes_for_corners, _take_as_sizes, "read as corner, width and height"),
)  # fmt: skip
