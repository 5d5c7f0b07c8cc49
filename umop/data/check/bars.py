"""Histograms of a data set's boxes, for pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIZES = (0, 8, 16, 32, 64, 128, 256, 512, np.inf)


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram.

    Attributes:
        name: What is counted.
        count: How many there are.
        share: Of the longest bar, 0 to 100.
    """

    name: str
    count: int
    share: float


def mean_sides(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square root of each box's area, in pixels, of shape (N,).

    Args:
        sizes: Width and height of each box, of shape (N, 2).
    """
    sides: NDArray[np.float64] = np.sqrt(np.maximum(sizes.prod(1), 0))
    return sides


def by_size(sizes: NDArray[np.float64]) -> Iterator[tuple[str, int]]:
    """Numbers of boxes by the square root of their area; takes what :func:`mean_sides` does."""
    found, _ = np.histogram(mean_sides(sizes), _SIZES)
    for low, high, count in zip(_SIZES[:-1], _SIZES[1:], found.tolist(), strict=True):
        yield (f"{low:g} to {high:g} px" if np.isfinite(high) else f"over {low:g} px"), count


def bars(entries: Iterable[tuple[str, int]]) -> list[Bar]:
    """The bars of a histogram."""
    listed = list(entries)
    longest = max((count for _, count in listed), default=0) or 1
    return [Bar(name, count, 100 * count / longest) for name, count in listed]
