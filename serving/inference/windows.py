"""Cuts an image into windows."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np

from serving.bundle.schema import Size, TileSpec


class Window(NamedTuple):
    """A part of an image, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def count_windows(size: Size, spec: TileSpec) -> int:
    """Returns how many windows ``windows`` returns."""
    return _count(size.width, spec) * _count(size.height, spec)


def windows(size: Size, spec: TileSpec) -> list[Window]:
    """Cuts an image into the fewest windows that overlap enough, all of one size, row by row.

    An image that is smaller than a window in one direction is cut only in the other.
    """
    width, height = min(spec.window, size.width), min(spec.window, size.height)
    return [
        Window(left, top, left + width, top + height)
        for top in _starts(size.height, spec)
        for left in _starts(size.width, spec)
    ]


def _count(side: int, spec: TileSpec) -> int:
    return max(1, ceil((side - spec.overlap) / (spec.window - spec.overlap)))


def _starts(side: int, spec: TileSpec) -> list[int]:
    last = max(side - spec.window, 0)
    return np.linspace(0, last, _count(side, spec)).round().astype(int).tolist()
