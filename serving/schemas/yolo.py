"""YOLO's lines."""

from __future__ import annotations

from collections.abc import Sequence


def yolo_line(number: int, corners: Sequence[float], size: tuple[int, int]) -> str:
    """A box: its class's number, centre and size in parts of the image's sides.

    Args:
        number: The class's.
        corners: x1, y1, x2, y2 in pixels.
        size: The image's width and height.
    """
    (x1, y1, x2, y2), (width, height) = corners, size
    centre = (x1 + x2) / 2 / width, (y1 + y2) / 2 / height
    values = (*centre, (x2 - x1) / width, (y2 - y1) / height)
    return f"{number} {' '.join(f'{value:.8f}' for value in values)}\n"
