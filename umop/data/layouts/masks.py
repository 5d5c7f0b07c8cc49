"""Boxes around masks in COCO's forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def box_of_mask(mask: Any) -> list[float]:
    """The box, xywh, around a mask in one of COCO's forms: polygons, or run lengths.

    Raises:
        ValueError: It is in neither.
    """
    if isinstance(mask, dict):
        return _box_of_run_lengths(mask)
    numbers = [value for polygon in mask or () for value in polygon]
    if not numbers or any(len(polygon) % 2 for polygon in mask):
        raise ValueError("no polygons")
    xs = [float(value) for polygon in mask for value in polygon[0::2]]
    ys = [float(value) for polygon in mask for value in polygon[1::2]]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _box_of_run_lengths(mask: Mapping[str, Any]) -> list[float]:
    """The box, xywh, around a mask of run lengths, compressed or not.

    Raises:
        ValueError: It is none.
    """
    from pycocotools import mask as run_lengths  # of use for few data sets, and slow to import

    try:
        height, width = mask["size"]
        whole = mask
        if isinstance(mask["counts"], list):
            whole = run_lengths.frPyObjects(mask, height, width)
        x, y, across, down = run_lengths.toBbox(whole).tolist()
    except Exception as error:  # a C extension that says little about what it cannot read
        raise ValueError("no run lengths") from error
    if x + across > width or y + down > height:
        raise ValueError("run lengths of another size")
    return [x, y, across, down]
