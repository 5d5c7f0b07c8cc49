"""Small data sets of boxes in a row, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from umop.evaluation.matches import Matches

CAT, DOG = 3, 7
SIDE = 20
Box = dict[str, Any]


def box(image: int, category: int, left: float, score: float | None = None, **more: Any) -> Box:
    """A box of 20 × 20 pixels; a detection if it has a score."""
    found = {} if score is None else {"score": score}
    return (
        {"image_id": image, "category_id": category, "bbox": [left, 10, SIDE, SIDE]} | found | more
    )


def data_set(boxes: Sequence[Box], images: int = 1) -> dict[str, Any]:
    """COCO's JSON of cats and dogs."""
    return {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(1, images + 1)],
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}],
        "annotations": [
            {"id": number, "area": SIDE**2, "iscrowd": 0, **each}
            for number, each in enumerate(boxes, 1)
        ],
    }


def matched(truth: Sequence[Box], detections: Sequence[Box], images: int = 1) -> Matches:
    """What the detections found."""
    return Matches.of(data_set(truth, images), detections)
