"""Annotations in Pascal VOC's XML format."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray


def read_voc_boxes(xml: bytes) -> tuple[NDArray[np.float64], list[str]]:
    """Reads the boxes of one picture.

    Args:
        xml: The content of its annotation file.

    Returns:
        The boxes, float64 of shape (N, 4), xyxy in pixels, and the N class names.
    """
    objects = ElementTree.fromstring(xml).findall("object")
    sides = ("xmin", "ymin", "xmax", "ymax")
    boxes = [[float(item.findtext(f"bndbox/{side}", "nan")) for side in sides] for item in objects]
    names = [item.findtext("name", "") for item in objects]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4), names
