"""Rules about single boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from umop.data.check.conventions import formatted
from umop.data.check.examined import Examined
from umop.data.check.repairs import drop_boxes, leave_as_read, rows_of, with_corners
from umop.data.check.rules import Hit, Rule, box_hits
from umop.data.dataset import Notation

_MANY_INVERTED = 0.1
"""The share of an annotation file's boxes that are inverted by no slip."""
_FEWEST_INVERTED = 3
_ROUNDING = 1.0
"""Pixels that a box may reach over the edge: rounding, of which nothing is said."""
_TINY = 2.0
_WHOLE = 0.99


def _not_finite(examined: Examined) -> Iterator[Hit]:
    corners = examined.data.boxes.corners
    mask = ~np.isfinite(corners).all(1)
    return box_hits(examined, mask, lambda box: formatted(corners[box]))


def _inverted(examined: Examined) -> Iterator[Hit]:
    """Boxes whose second corner is left of or above the first."""
    corners = examined.data.boxes.corners
    mask = (corners[:, 2:] < corners[:, :2]).any(1)
    return box_hits(examined, mask, lambda box: formatted(corners[box]))


def _many_inverted(examined: Examined) -> Iterator[Hit]:
    """Tables of which many boxes are inverted, and none is in the order x, x, y, y.

    In another table they are boxes that were drawn from another corner.
    """
    data = examined.data
    if data.notation != Notation("corners", "line"):
        return
    mask = (data.boxes.corners[:, 2:] < data.boxes.corners[:, :2]).any(1)
    still = (data.boxes.corners[:, 1::2] < data.boxes.corners[:, ::2]).any(1)
    source = examined.sources()[data.boxes.image]
    inverted, total = np.bincount(source, mask), np.bincount(source)
    is_many = (inverted >= _FEWEST_INVERTED) & (inverted > _MANY_INVERTED * total)
    is_many &= np.bincount(source, still) == 0
    for number in np.flatnonzero(is_many).tolist():
        first = int(np.flatnonzero(mask & (source == number))[0])
        yield Hit(
            f"{data.where(first)}, and {inverted[number] - 1:g} others of {total[number]} boxes. "
            "Name the columns in the order of their numbers; if it is right, --fix puts the "
            "corners in order"
        )


def _order(examined: Examined, hits: Sequence[Hit]) -> Examined:
    corners, rows = examined.data.boxes.corners.copy(), rows_of(hits)
    pairs = np.sort(corners[rows].reshape(-1, 2, 2), axis=1)
    corners[rows] = pairs.reshape(-1, 4)
    return with_corners(examined, corners)


def _without_area(examined: Examined) -> Iterator[Hit]:
    corners = examined.data.boxes.corners
    mask = (corners[:, 2:] <= corners[:, :2]).any(1)
    return box_hits(examined, mask, lambda box: formatted(corners[box]))


def _outside(examined: Examined) -> Iterator[Hit]:
    """Boxes of which nothing is in the image."""
    corners, sizes = examined.data.boxes.corners, examined.sizes()
    mask = (corners[:, :2] >= sizes).any(1) | (corners[:, 2:] <= 0).any(1)

    def text(box: int) -> str:
        return f"{formatted(corners[box])} in {sizes[box, 0]:g}×{sizes[box, 1]:g}"

    return box_hits(examined, mask, text)


def _over_edge(examined: Examined) -> Iterator[Hit]:
    over = _overhang(examined)
    return box_hits(
        examined, over > _ROUNDING, lambda box: f"{over[box].round():g} px over the edge"
    )


def _overhang(examined: Examined) -> NDArray[np.float64]:
    """Most pixels that each box reaches over an edge, float64 of shape (boxes,)."""
    corners = examined.data.boxes.corners
    sides = np.column_stack([-corners[:, :2], corners[:, 2:] - examined.sizes()])
    return sides.max(1, initial=0)


def _cut(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Cuts boxes to their images; their area is then the box's own."""
    rows = rows_of(hits)
    corners, area = examined.data.boxes.corners.copy(), examined.data.boxes.area.copy()
    corners[rows] = corners[rows].clip(0, np.tile(examined.sizes()[rows], 2))
    area[rows] = np.nan
    data = replace(examined.data, boxes=replace(examined.data.boxes, area=area))
    return with_corners(examined.with_data(data), corners)


def _twice(examined: Examined) -> Iterator[Hit]:
    """Boxes that are the same as one before, in the same image and of the same class."""
    boxes = examined.data.boxes
    rows = np.column_stack([boxes.image, boxes.label, boxes.crowd, boxes.corners])
    _, first = np.unique(rows, axis=0, return_index=True)
    mask = np.ones(len(boxes), np.bool_)
    mask[first] = False
    return box_hits(examined, mask, lambda box: "the same box once more")


def _whole_image(examined: Examined) -> Iterator[Hit]:
    sizes = examined.sizes()
    share = _areas(examined) / np.maximum(sizes.prod(1), 1)
    mask = (share >= _WHOLE) & ~examined.data.boxes.crowd
    return box_hits(examined, mask, lambda box: f"covers {100 * share[box]:.0f} % of the image")


def _areas(examined: Examined) -> NDArray[np.float64]:
    """In square pixels, float64 of shape (boxes,)."""
    corners = examined.data.boxes.corners
    area: NDArray[np.float64] = (corners[:, 2:] - corners[:, :2]).prod(1)
    return area


def _tiny(examined: Examined) -> Iterator[Hit]:
    corners = examined.data.boxes.corners
    sides = corners[:, 2:] - corners[:, :2]
    mask = (sides < _TINY).any(1)
    return box_hits(examined, mask, lambda box: f"{sides[box, 0]:.3g}×{sides[box, 1]:.3g} px")


RULES = (
    Rule("box-not-numbers", "error", "box without 4 finite numbers",
         _not_finite, drop_boxes, "left out"),
    Rule("box-inverted-often", "error",
         "annotations whose boxes often have their second corner left of or above the first",
         _many_inverted, leave_as_read, "corners put in order", automatic=False),
    Rule("box-inverted", "warning", "box whose second corner is left of or above its first",
         _inverted, _order, "corners put in order"),
    Rule("box-without-area", "warning", "box without area",
         _without_area, drop_boxes, "left out"),
    Rule("box-outside", "warning", "box outside its image",
         _outside, drop_boxes, "left out"),
    Rule("box-over-edge", "warning", "box that reaches over the edge of its image",
         _over_edge, _cut, "cut to the image"),
    Rule("box-twice", "warning", "box that is there twice",
         _twice, drop_boxes, "kept once"),
    Rule("box-of-everything", "warning", "box that covers its whole image", _whole_image),
    Rule("box-tiny", "warning", "box with a side under 2 pixels", _tiny),
)  # fmt: skip
