"""COCO's twelve numbers, by faster-coco-eval, which computes those of pycocotools in less time."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faster_coco_eval import COCO, COCOeval_faster

METRICS = {
    "AP": "IoU 0.50:0.95",
    "AP50": "IoU 0.50",
    "AP75": "IoU 0.75",
    "APs": "IoU 0.50:0.95, small",
    "APm": "IoU 0.50:0.95, medium",
    "APl": "IoU 0.50:0.95, large",
    "AR1": "1 box a picture",
    "AR10": "10 boxes a picture",
    "AR100": "100 boxes a picture",
    "ARs": "100 boxes a picture, small",
    "ARm": "100 boxes a picture, medium",
    "ARl": "100 boxes a picture, large",
}
"""The numbers in pycocotools' order, and what each is measured at."""


def coco_box_metrics(annotations: Path, detections: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Computes the twelve numbers.

    Args:
        annotations: COCO JSON with the ground truth.
        detections: COCO results: ``image_id``, ``category_id``, ``bbox`` (xywh) and ``score``.

    Returns:
        The values of :data:`METRICS`, each from 0 to 1; −1 where the data has no such boxes.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        if not detections:
            return dict.fromkeys(METRICS, 0.0)
        evaluation = COCOeval_faster(truth, truth.loadRes(list(detections)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(METRICS, map(float, evaluation.stats[: len(METRICS)]), strict=True))
