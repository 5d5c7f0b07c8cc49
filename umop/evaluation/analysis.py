"""What the twelve numbers do not say: each class, what is confused, the best and worst images."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.evaluation.coco import IOUS, CocoResult
from umop.evaluation.confusion import confusion
from umop.evaluation.images import (
    DIGITS,
    ImageResult,
    best_and_worst,
    draw,
    tallies,
)
from umop.evaluation.matching import Matched, match
from umop.system.errors import UserError

_CURVES = (0.5, 0.75, 0.9)
"""The IoUs whose precision is kept."""


@dataclass(frozen=True)
class ClassResult:
    """How well one class is found.

    Attributes:
        name: The class.
        boxes: True boxes, without crowds.
        ap: At IoU 0.50:0.95, from 0 to 1; None without boxes.
        ap50: At IoU 0.50.
        ap75: At IoU 0.75.
        precision: At IoU 0.50 and 101 recalls from 0 to 1; empty without boxes.
    """

    name: str
    boxes: int
    ap: float | None
    ap50: float | None
    ap75: float | None
    precision: list[float]


@dataclass(frozen=True)
class Analysis:
    """The content of ``analysis.json``.

    Attributes:
        score: The score with the best F1 at IoU 0.50, mean of the classes. Detections below it are
            left out of ``confusion`` and of the images.
        classes: By category id.
        precision: The mean over the classes at each of :data:`_CURVES`, at 101 recalls.
        confusion: Pairs of true and detected class; the last row counts detections of nothing, the
            last column true boxes that were missed.
        images: How many images have a true box or a detection.
        best: The images with the highest F1, the best first.
        worst: Those with the lowest, the worst first.
    """

    score: float
    classes: list[ClassResult]
    precision: dict[str, list[float]]
    confusion: list[list[int]]
    images: int
    best: list[ImageResult]
    worst: list[ImageResult]

    @classmethod
    def of(cls, result: CocoResult) -> Analysis:
        """Analyses the result of an evaluation."""
        score = best_score(result)
        kept = [each for each in result.detections if each["score"] >= score]
        matched = match(result.truth, kept)
        categories = sorted(result.truth.cats)
        labels = {category: label for label, category in enumerate(categories)}
        listed = tallies(matched)
        best, worst = (
            draw(chosen, matched, labels, result.truth) for chosen in best_and_worst(listed)
        )
        return cls(
            score=round(score, DIGITS),
            classes=_class_results(result, matched),
            precision=_mean_precision(result),
            confusion=confusion(matched, labels),
            images=len(listed),
            best=best,
            worst=worst,
        )

    @classmethod
    def read(cls, path: Path) -> Analysis | None:
        """Reads an analysis; None where there is none.

        Raises:
            UserError: The file is something else.
        """
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text())
            classes = [ClassResult(**each) for each in content.pop("classes")]
            best, worst = (
                [ImageResult.from_json(each) for each in content.pop(k)] for k in ("best", "worst")
            )
            return cls(classes=classes, best=best, worst=worst, **content)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is not an analysis of this version. Delete it.") from error

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self)) + "\n"


def best_score(result: CocoResult) -> float:
    """The score with the best mean F1 of the classes at IoU 0.50; 0 where nothing is found."""
    rows = result.precision[0, 0] >= 0
    precision, scores = result.precision[0][:, rows], result.scores[0][:, rows]
    recall = np.linspace(0, 1, len(precision))[:, None]
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    if not f1.any():
        return 0.0
    candidates = np.linspace(0.01, 0.99, 99)
    at = (scores[None] >= candidates[:, None, None]).sum(1) - 1  # the last recall that is reached
    reached = np.where(at >= 0, np.take_along_axis(f1, np.maximum(at, 0), axis=0), 0.0)
    return float(candidates[reached.mean(1).argmax()])


def _class_results(result: CocoResult, matched: Matched) -> list[ClassResult]:
    """How well each class is found."""
    boxes = Counter(box["category_id"] for box in matched.truth.values())
    results = []
    for label, category in enumerate(sorted(result.truth.cats)):
        precision = result.precision[..., label]
        name = result.truth.cats[category]["name"]
        if precision[0, 0] < 0:
            results.append(ClassResult(name, boxes[category], None, None, None, []))
            continue
        ap, ap50, ap75 = (
            round(float(part.mean()), DIGITS)
            for part in (precision, _at_iou(precision, 0.5), _at_iou(precision, 0.75))
        )
        curve = _rounded(_at_iou(precision, 0.5))
        results.append(ClassResult(name, boxes[category], ap, ap50, ap75, curve))
    return results


def _mean_precision(result: CocoResult) -> dict[str, list[float]]:
    """Precision at 101 recalls, the mean over the classes that have boxes, at some IoUs."""
    present = result.precision[..., result.precision[0, 0] >= 0]
    if not present.size:
        return {}
    return {f"{iou:.2f}": _rounded(_at_iou(present, iou).mean(-1)) for iou in _CURVES}


def _at_iou(precision: NDArray[np.float64], iou: float) -> NDArray[np.float64]:
    """The part of the precision that is measured at an IoU."""
    part: NDArray[np.float64] = precision[int(np.abs(IOUS - iou).argmin())]
    return part


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return values.round(DIGITS).tolist()
