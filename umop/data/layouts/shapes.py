"""Boxes around shapes."""

from __future__ import annotations

from collections.abc import Sequence


def around(points: Sequence[Sequence[float]]) -> list[float]:
    """The box around points, xyxy.

    Raises:
        ValueError: There are none.
    """
    xs, ys = [float(point[0]) for point in points], [float(point[1]) for point in points]
    return [min(xs), min(ys), max(xs), max(ys)]


def centred(x: float, y: float, half_width: float, half_height: float) -> list[float]:
    """The box with a centre and half of its sides, xyxy."""
    return [x - half_width, y - half_height, x + half_width, y + half_height]
