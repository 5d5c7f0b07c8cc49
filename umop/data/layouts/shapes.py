"""Boxes around shapes, and the sides of images."""

from __future__ import annotations

import math
from collections.abc import Sequence


def around(points: Sequence[Sequence[float]]) -> list[float]:
    """The box around points, xyxy.

    Raises:
        ValueError: There are none.
    """
    xs, ys = [float(point[0]) for point in points], [float(point[1]) for point in points]
    return [min(xs), min(ys), max(xs), max(ys)]


def centred(x: float, y: float, half_width: float, half_height: float) -> list[float]:
    """The box with a centre and half of its sides, xyxy.

    Args:
        x: The centre's, from the left.
        y: The centre's, from the top.
        half_width: From the centre to the right side, in the unit of ``x``.
        half_height: From the centre to the lower side, in the unit of ``y``.
    """
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def pixels(value: object) -> int | None:
    """A side's length, written as a number or as text; None where the annotation gives none."""
    if not isinstance(value, int | float | str):
        return None
    try:
        side = float(value)
    except (ValueError, OverflowError):
        return None
    return int(side) if 0 < side < math.inf else None
