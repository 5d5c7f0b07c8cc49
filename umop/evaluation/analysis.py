"""What the twelve numbers do not say: each class, scores, mistakes, the best and worst images."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.evaluation.coco import IOUS, CocoResult
from umop.evaluation.confusion import confusion_matrix
from umop.evaluation.images import (
    DIGITS,
    ImageResult,
    best_and_worst,
    draw,
    tallies,
)
from umop.evaluation.matches import Floats, Matches
from umop.evaluation.matching import CocoBox, Matched, match
from umop.evaluation.mistakes import lost
from umop.evaluation.resampling import interval, mean_of_classes, resampled
from umop.evaluation.thresholds import SCORES, ByScore, thresholds
from umop.runs.evaluation import Thresholds
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
        score: The lowest score that is reported unless a request names one; None of old analyses.
        interval: Of AP, with 95 % confidence; None where it is not known.
    """

    name: str
    boxes: int
    ap: float | None
    ap50: float | None
    ap75: float | None
    precision: list[float]
    score: float | None = None
    interval: list[float] | None = None


@dataclass(frozen=True)
class Analysis:
    """The content of ``analysis.json``.

    Attributes:
        score: The lowest score that is reported of a class that has no own. Detections below
            their class's are left out of ``confusion`` and of the images.
        classes: By category id.
        precision: The mean over the classes at each of :data:`_CURVES`, at 101 recalls.
        confusion: Pairs of true and detected class; the last row counts detections of nothing, the
            last column true boxes that were missed.
        images: How many images have a true box or a detection.
        best: The images with the highest F1, the best first.
        worst: Those with the lowest, the worst first.
        thresholds: How the scores were chosen; None where nothing is found.
        by_score: Precision, recall and F1 of all detections from each score upwards, at IoU 0.50.
        lost: AP50 that each of :data:`umop.evaluation.mistakes.MISTAKES` costs, from 0 to 1.
        intervals: Of AP, AP50 and AP75, with 95 % confidence.
    """

    score: float
    classes: list[ClassResult]
    precision: dict[str, list[float]]
    confusion: list[list[int]]
    images: int
    best: list[ImageResult]
    worst: list[ImageResult]
    thresholds: Thresholds | None = None
    by_score: dict[str, list[float]] = field(default_factory=dict)
    lost: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, result: CocoResult, precision: float | None = None) -> Analysis:
        """Analyses the result of an evaluation.

        Args:
            result: What was found.
            precision: What the thresholds are to reach; None for the best F1.

        Raises:
            UserError: No threshold reaches the precision.
        """
        matches = Matches.of(result.truth.dataset, result.detections)
        chosen = thresholds(matches, precision)
        matched = match(result.truth, _reported(result, chosen))
        categories = sorted(result.truth.cats)
        labels = {category: label for label, category in enumerate(categories)}
        listed = tallies(matched)
        best, worst = (
            draw(chosen, matched, labels, result.truth) for chosen in best_and_worst(listed)
        )
        [samples] = resampled(matches)
        return cls(
            score=chosen.score if chosen else 0.0,
            classes=_class_results(result, matched, chosen, samples),
            precision=_mean_precision(result),
            confusion=confusion_matrix(matched, labels),
            images=len(listed),
            best=best,
            worst=worst,
            thresholds=chosen,
            by_score=_by_score(matches),
            lost={kind: round(value, DIGITS) for kind, value in lost(matches).items()},
            intervals=_intervals(mean_of_classes(samples)),
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
            if content.get("thresholds"):
                content["thresholds"] = Thresholds(**content["thresholds"])
            return cls(classes=classes, best=best, worst=worst, **content)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is not an analysis of this version. Delete it.") from error

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self)) + "\n"


def _reported(result: CocoResult, chosen: Thresholds | None) -> list[CocoBox]:
    """The detections that are reported, unless a request names a score."""
    if chosen is None:
        return list(result.detections)
    lowest = {id: chosen.of(each["name"]) for id, each in result.truth.cats.items()}
    return [each for each in result.detections if each["score"] >= lowest[each["category_id"]]]


def _class_results(
    result: CocoResult, matched: Matched, chosen: Thresholds | None, samples: Floats
) -> list[ClassResult]:
    """How well each class is found.

    Args:
        result: The numbers.
        matched: The true boxes.
        chosen: The thresholds.
        samples: Of :func:`umop.evaluation.resampling.resampled`.
    """
    boxes = Counter(box["category_id"] for box in matched.truth.values())
    results = []
    for label, category in enumerate(sorted(result.truth.cats)):
        precision = result.precision[..., label]
        name = result.truth.cats[category]["name"]
        score = chosen.of(name) if chosen else None
        if precision[0, 0] < 0:
            results.append(ClassResult(name, boxes[category], None, None, None, [], score))
            continue
        ap, ap50, ap75 = (
            round(float(part.mean()), DIGITS)
            for part in (precision, _at_iou(precision, 0.5), _at_iou(precision, 0.75))
        )
        curve = _rounded(_at_iou(precision, 0.5))
        sure = _short(interval(samples[..., label].mean(1)))
        results.append(ClassResult(name, boxes[category], ap, ap50, ap75, curve, score, sure))
    return results


def _by_score(matches: Matches) -> dict[str, list[float]]:
    """Precision, recall and F1 at each score up to the highest that a detection has."""
    curve = ByScore.of(matches)
    shown = int((matches.score.max(initial=0) >= SCORES).sum())
    return {name: _rounded(values[:shown]) for name, values in asdict(curve).items()}


def _intervals(samples: Floats) -> dict[str, list[float]]:
    """How sure the mean of the classes is, from values of shape (samples, IoUs)."""
    parts = {"AP": samples.mean(1), "AP50": samples[:, 0], "AP75": samples[:, 5]}
    found = {name: _short(interval(part)) for name, part in parts.items()}
    return {name: each for name, each in found.items() if each}


def _short(sure: tuple[float, float] | None) -> list[float] | None:
    return [round(end, DIGITS) for end in sure] if sure else None


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
