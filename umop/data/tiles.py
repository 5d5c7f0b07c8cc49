"""Cuts a large picture and its boxes into tiles that a detector can train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tile:
    """A part of a picture.

    Attributes:
        left: First column of the picture that the tile holds, in pixels.
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
    min_visible: float = 0.4,
) -> Iterator[Tile]:
    """Cuts a picture into a grid of tiles.

    Args:
        pixels: uint8 of shape (H, W, 3).
        boxes: Float of shape (N, 4), xyxy in pixels.
        rows: Tiles from top to bottom.
        columns: Tiles from left to right.
        overlap: Pixels by which each tile reaches into the next.
        min_visible: A box belongs to a tile that holds at least this part of its area.

    Yields:
        The tiles, row by row.
    """
    height, width = pixels.shape[:2]
    tops = np.linspace(0, height, rows + 1).round().astype(int)
    lefts = np.linspace(0, width, columns + 1).round().astype(int)
    for top, bottom in zip(tops, tops[1:] + overlap, strict=False):
        for left, right in zip(lefts, lefts[1:] + overlap, strict=False):
            bottom, right = min(bottom, height), min(right, width)
            yield Tile(
                int(left),
                int(top),
                pixels[top:bottom, left:right],
                boxes_within(boxes, (left, top, right, bottom), min_visible),
            )


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
    visible = area(clipped) >= min_visible * area(boxes)
    return clipped[visible & (area(clipped) > 0)] - [left, top, left, top]


def area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of xyxy boxes: float of shape (N, 4) to float of shape (N,)."""
    sides: NDArray[np.float64] = boxes[:, 2:] - boxes[:, :2]
    return sides.prod(axis=1)
