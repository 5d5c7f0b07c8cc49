"""Detections as COCO and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from serving.schemas import Found

CSV_COLUMNS = ("image", "label", "class_id", "score", "x1", "y1", "x2", "y2")


def to_csv(found: Iterable[tuple[str, Found]]) -> str:
    """Returns one line for each detection under a header line (RFC 4180).

    Args:
        found: Pictures' names and what was found in them.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer)
    table.writerow(CSV_COLUMNS)
    for name, picture in found:
        for detection in picture.detections:
            corners = detection.box
            table.writerow(
                (
                    *(name, detection.label, detection.class_id, detection.score),
                    *(corners.x1, corners.y1, corners.x2, corners.y2),
                )
            )
    return buffer.getvalue()


def to_coco(found: Sequence[tuple[str, Found]], classes: Sequence[str]) -> dict[str, Any]:
    """Returns a COCO document whose annotations carry a score.

    Ids count from 1; a category's id is its class index plus 1. Boxes are x, y, width, height.

    Args:
        found: Pictures' names and what was found in them.
        classes: All class names, in the model's order.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (name, picture) in enumerate(found, 1):
        size = picture.size
        images.append(
            {"id": image_id, "file_name": name, "width": size.width, "height": size.height}
        )
        for detection in picture.detections:
            box = detection.box
            width, height = box.x2 - box.x1, box.y2 - box.y1
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": detection.class_id + 1,
                    "bbox": [box.x1, box.y1, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "score": detection.score,
                }
            )
    categories = [{"id": place, "name": name} for place, name in enumerate(classes, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}
