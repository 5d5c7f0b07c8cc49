"""Data sets in COCO's JSON format."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledImage:
    """One image of a data set.

    Attributes:
        file_name: Path of the image, relative to the data set's image folder.
        width: In pixels.
        height: In pixels.
        boxes: Float of shape (N, 4), xyxy in pixels.
        labels: Index of each box's class, int64 of shape (N,).
    """

    file_name: str
    width: int
    height: int
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]


def write_coco(path: Path, images: Iterable[LabelledImage], classes: Sequence[str]) -> None:
    """Writes annotations as COCO JSON.

    Args:
        path: The file to write.
        images: The images with their boxes.
        classes: Names of the classes, in the order of the labels.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_as_coco(images, classes)))


def _as_coco(images: Iterable[LabelledImage], classes: Sequence[str]) -> dict[str, Any]:
    """Returns annotations as COCO's dictionary; takes what :func:`write_coco` does."""
    dataset: dict[str, list[dict[str, Any]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, start=1)],
    }
    for image_id, image in enumerate(images, start=1):
        dataset["images"].append(image_entry(image_id, image.file_name, image.width, image.height))
        for corners, label in zip(image.boxes.tolist(), image.labels.tolist(), strict=True):
            number = len(dataset["annotations"]) + 1
            dataset["annotations"].append(annotation_entry(number, image_id, label + 1, corners))
    return dataset


def image_entry(number: int, file_name: str, width: int, height: int) -> dict[str, Any]:
    """COCO's entry of an image.

    Args:
        number: Its id.
        file_name: Path of the image, relative to the data set's image folder.
        width: In pixels.
        height: In pixels.
    """
    return {"id": number, "file_name": file_name, "width": width, "height": height}


def annotation_entry(
    number: int,
    image_id: int,
    category_id: int,
    corners: Sequence[float],
    crowd: bool = False,
    area: float = math.nan,
) -> dict[str, Any]:
    """COCO's entry of a box, whose corners are xyxy; its area is the box's own unless given.

    Args:
        number: Its id.
        image_id: Id of the image that it is in.
        category_id: Id of its class.
        corners: In pixels.
        crowd: Whether it holds a crowd, which becomes ``iscrowd``.
        area: In square pixels; NaN for the box's own.
    """
    x1, y1, x2, y2 = corners
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1) if math.isnan(area) else area,
        "iscrowd": int(crowd),
    }
