"""Boxes around shapes, and the sides of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_FEWEST_OF_ONE_SIZE = 3
"""Boxes of one size in an image, beside its first, that are no chance."""


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


def turned(corners: Sequence[float], angle: float) -> list[float]:
    """The upright box around one that is turned about its centre, xyxy.

    Args:
        corners: Of the box before it is turned, xyxy.
        angle: In degrees.
    """
    x1, y1, x2, y2 = corners
    along, across = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    width, height = x2 - x1, y2 - y1
    half_width = (width * along + height * across) / 2
    half_height = (width * across + height * along) / 2
    return centred((x1 + x2) / 2, (y1 + y2) / 2, half_width, half_height)


def around_ellipse(x: float, y: float, across: float, down: float, angle: float) -> list[float]:
    """The box around an ellipse that is turned about its centre, xyxy.

    Args:
        x: The centre's, from the left.
        y: The centre's, from the top.
        across: The radius that is level before the ellipse is turned.
        down: The other radius.
        angle: In degrees.

    Raises:
        ValueError: The angle is infinite.
    """
    along, beside = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    half_width = math.hypot(across * along, down * beside)
    half_height = math.hypot(across * beside, down * along)
    return centred(x, y, half_width, half_height)


def degrees(written: object) -> float:
    """An angle that a tool may give as an attribute; 0 where it is none, and for half a turn."""
    try:
        angle = float(str(written))
    except ValueError:
        return 0.0
    return angle % 180 if math.isfinite(angle) else 0.0


def pixels(value: object) -> int | None:
    """A side's length, written as a number or as text; None where the annotation gives none."""
    if not isinstance(value, int | float | str):
        return None
    try:
        side = float(value)
    except (ValueError, OverflowError):
        return None
    return int(side) if 0 < side < math.inf else None


def have_size_of_image(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether boxes with sizes have their images' instead of their own.

    Then all of an image have one size, at different places, and begin within it.
    """
    first: dict[int, Sequence[float]] = {}
    others = 0
    for image, _, corners, *_ in rows:
        x1, y1, x2, y2 = first.setdefault(image, corners)
        width, height = corners[2] - corners[0], corners[3] - corners[1]
        is_of_one_size = math.isclose(width, x2 - x1) and math.isclose(height, y2 - y1)
        if not is_of_one_size or corners[0] > width or corners[1] > height:
            return False
        others += tuple(corners[:2]) != (x1, y1)
    return others >= _FEWEST_OF_ONE_SIZE
