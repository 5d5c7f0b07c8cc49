"""COCO's numbers, by faster-coco-eval, which computes those of pycocotools in less time."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

METRICS = {
    "AP": "IoU 0.50:0.95",
    "AP50": "IoU 0.50",
    "AP75": "IoU 0.75",
    "APs": "IoU 0.50:0.95, small",
    "APm": "IoU 0.50:0.95, medium",
    "APl": "IoU 0.50:0.95, large",
    "AR1": "1 box an image",
    "AR10": "10 boxes an image",
    "AR100": "100 boxes an image",
    "ARs": "100 boxes an image, small",
    "ARm": "100 boxes an image, medium",
    "ARl": "100 boxes an image, large",
}
"""The numbers in pycocotools' order, and what each is measured at."""

IOUS = np.linspace(0.5, 0.95, 10)
DETECTIONS = 100
"""Detections of a class that count in an image, as COCO has it."""
RECALLS = np.linspace(0.0, 1.0, 101)
_ALL_SIZES, _MOST_DETECTIONS = 0, -1


@dataclass(frozen=True)
class CocoResult:
    """What COCO's evaluation found.

    Attributes:
        truth: The true boxes.
        detections: COCO results: ``image_id``, ``category_id``, ``bbox`` (xywh) and ``score``.
        metrics: The values of :data:`METRICS`, each from 0 to 1; −1 where there are no such boxes.
        precision: Of all boxes and the detections that count in an image, float64 of shape (IoUs,
            recalls, classes), at :data:`IOUS` and :data:`RECALLS`, classes by category id; −1 for
            a class without boxes.
        scores: The lowest score at each of these points, of the same shape.
    """

    truth: COCO
    detections: Sequence[dict[str, Any]]
    metrics: dict[str, float]
    precision: NDArray[np.float64]
    scores: NDArray[np.float64]


def coco_result(annotations: Path, detections: Sequence[dict[str, Any]]) -> CocoResult:
    """Evaluates detections.

    Args:
        annotations: COCO JSON with the true boxes.
        detections: COCO results.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(_numbered(annotations))
        found = loaded(truth, detections or [_nothing_in(truth)])
        evaluation = COCOeval_faster(truth, found, "bbox")
        evaluation.params.maxDets = [1, 10, most_detections(truth.anns.values())]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = map(float, evaluation.stats[: len(METRICS)])
    precision, scores = (
        np.asarray(evaluation.eval[name])[..., _ALL_SIZES, _MOST_DETECTIONS]
        for name in ("precision", "scores")
    )
    metrics = dict(zip(METRICS, values, strict=True))
    return CocoResult(truth, detections, metrics, precision, scores)


def _numbered(annotations: Path) -> dict[str, Any]:
    """COCO JSON whose boxes count from 1: to faster-coco-eval an id of 0 says that none was met."""
    content: dict[str, Any] = json.loads(annotations.read_text("utf-8"))
    for number, box in enumerate(content.get("annotations", []), start=1):
        box["id"] = number
    return content


def most_detections(truth: Iterable[Mapping[str, Any]]) -> int:
    """Detections of a class that count in an image: COCO's 100, more where one has more objects.

    Args:
        truth: The true boxes.
    """
    counts = Counter((box["image_id"], box["category_id"]) for box in truth)
    most = max(counts.values(), default=0)
    return DETECTIONS if most <= DETECTIONS else 2 * most


def coco_box_metrics(annotations: Path, detections: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Computes the twelve numbers; takes what :func:`coco_result` does.

    Returns:
        The values of :data:`METRICS`, each from 0 to 1; −1 where the data has no such boxes.
    """
    return coco_result(annotations, detections).metrics


def loaded(truth: COCO, detections: Sequence[dict[str, Any]]) -> COCO:
    """Detections as faster-coco-eval wants them; it writes into what it is given."""
    return truth.loadRes([dict(each) for each in detections])


def _nothing_in(truth: COCO) -> dict[str, Any]:
    """A detection that meets no box, because faster-coco-eval takes no empty list."""
    image, category = next(iter(truth.imgs)), next(iter(truth.cats))
    return {"image_id": image, "category_id": category, "bbox": [-1, -1, 0, 0], "score": 0.0}
