"""Cuts a large image and its boxes into tiles that a detector can train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.shared import Size, TileSpec, windows

MIN_VISIBLE = 0.4
"""A box belongs to a window that shows at least this part of it."""


@dataclass(frozen=True)
class _Tile:
    """A part of an image.

    Attributes:
        left: First column of the image that the tile holds, in pixels.
        top: First row, in pixels.
        pixels: uint8 of shape (H, W, 3).
        boxes: Boxes cut to the tile, float64 of shape (N, 4), xyxy in the tile's pixels.
    """

    left: int
    top: int
    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float64]


def cut(
    pixels: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    rows: int,
    columns: int,
    overlap: int = 0,
    min_visible: float = MIN_VISIBLE,
) -> Iterator[_Tile]:
    """Cuts an image into a grid of tiles, all of one size.

    Args:
        pixels: uint8 of shape (H, W, 3).
        boxes: Float of shape (N, 4), xyxy in pixels.
        rows: Tiles from top to bottom.
        columns: Tiles from left to right.
        overlap: Pixels that a tile is higher and wider than it needs to be to fill the grid.
        min_visible: A box belongs to a tile that holds at least this part of its area.

    Yields:
        The tiles, row by row.
    """
    (tops, height), (lefts, width) = (
        _spread(side, count, overlap)
        for side, count in zip(pixels.shape[:2], (rows, columns), strict=True)
    )
    for top in tops:
        for left in lefts:
            bottom, right = top + height, left + width
            inside = boxes_within(boxes, (left, top, right, bottom), min_visible)
            yield _Tile(left, top, pixels[top:bottom, left:right], inside)


def _spread(side: int, count: int, overlap: int) -> tuple[list[int], int]:
    """Spreads tiles evenly along a side; returns their first pixels and their length.

    Args:
        side: Of the image, in pixels.
        count: How many tiles there are.
        overlap: Pixels that neighbours share.
    """
    length = min(-(-side // count) + overlap, side)
    return np.linspace(0, side - length, count).round().astype(int).tolist(), length


def boxes_within(
    boxes: NDArray[np.float64], window: tuple[int, int, int, int], min_visible: float
) -> NDArray[np.float64]:
    """Cuts boxes to a window and drops those of which too little is left.

    Args:
        boxes: Float of shape (N, 4), xyxy.
        window: Left, top, right and bottom of the window.
        min_visible: The least part of a box's area that must remain.

    Returns:
        Float of shape (M, 4), xyxy relative to the window's corner.
    """
    left, top, right, bottom = window
    clipped = boxes.clip([left, top, left, top], [right, bottom, right, bottom])
    share = visible(boxes, np.array(window, np.float64))
    return clipped[(share >= min_visible) & (share > 0)] - [left, top, left, top]


def visible(boxes: NDArray[np.float64], windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of each box's area that a window shows; 0 of a box without area.

    Args:
        boxes: Float of shape (…, 4), xyxy.
        windows: Float of shape (…, 4), xyxy; of a shape that goes with that of the boxes.
    """
    corners = np.maximum(boxes[..., :2], windows[..., :2])
    ends = np.minimum(boxes[..., 2:], windows[..., 2:])
    seen = np.maximum(ends - corners, 0).prod(axis=-1)
    whole = (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)
    share: NDArray[np.float64] = np.divide(seen, whole, out=np.zeros_like(seen), where=whole > 0)
    return share


def windows_showing(size: Size, boxes: NDArray[np.float64], spec: TileSpec) -> NDArray[np.bool_]:
    """Returns which windows of an image show which of its boxes.

    Args:
        size: The image's.
        boxes: Float of shape (N, 4), xyxy in its pixels.
        spec: How it is cut.

    Returns:
        Shape (windows, N).
    """
    places = np.array(windows(size, spec), np.float64)
    return visible(boxes[None], places[:, None]) >= MIN_VISIBLE


def count_shown(size: Size, boxes: NDArray[np.float64], spec: TileSpec) -> int:
    """Returns how many windows of an image a pass trains on: those with a box, at least one.

    Args:
        size: The image's.
        boxes: Float of shape (N, 4), xyxy in its pixels.
        spec: How it is cut.
    """
    return max(1, int(windows_showing(size, boxes, spec).any(axis=1).sum()))
