"""Chooses the scores from which detections are reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umop.evaluation.matches import Floats, Matches
from umop.runs.evaluation import Thresholds
from umop.system.console import note
from umop.system.errors import UserError

SCORES = np.arange(1, 100) / 100
"""The scores that are tried."""
_FEWEST_BOXES = 20
"""A class with fewer takes the score of all: its own would follow the chance of a few boxes."""
_AT_HALF = 0
"""The index of IoU 0.50."""


@dataclass(frozen=True)
class ByScore:
    """How good the detections from each of :data:`SCORES` upwards are, at IoU 0.50.

    Attributes:
        precision: The part of the detections that is right; 0 where there is none.
        recall: The part of the true boxes that is found.
        f1: The harmonic mean of both.
    """

    precision: Floats
    recall: Floats
    f1: Floats

    @classmethod
    def of(cls, matches: Matches, label: int | None = None) -> ByScore:
        """Counts the detections of a class, or of all together."""
        found, counts = matches.at(_AT_HALF)
        boxes = len(matches.true_label)
        if label is not None:
            counts = counts & (matches.label == label)
            boxes = int((matches.true_label == label).sum())
        shown = _from_each_score(matches.score[counts])
        right = _from_each_score(matches.score[counts & found])
        return cls(
            precision=right / np.maximum(shown, 1),
            recall=right / max(boxes, 1),
            f1=2 * right / np.maximum(shown + boxes, 1),
        )

    def best(self) -> float | None:
        """The score with the best F1, the middle one of several; None where nothing is right."""
        [best] = np.nonzero((self.f1 == self.f1.max()) & (self.f1 > 0))
        return float(SCORES[best[len(best) // 2]]) if len(best) else None

    def reaching(self, precision: float) -> float | None:
        """The lowest score that reaches a precision; None where none does."""
        [reached] = np.nonzero(self.precision >= precision)
        return float(SCORES[reached[0]]) if len(reached) else None

    def most_precise(self) -> tuple[float, float]:
        """The score with the highest precision, and that precision."""
        at = int(self.precision.argmax())
        return float(SCORES[at]), float(self.precision[at])


def _from_each_score(scores: Floats) -> NDArray[np.int64]:
    """How many of the scores, falling, are at least each of :data:`SCORES`."""
    return np.searchsorted(-scores, -SCORES, "right")


def thresholds(matches: Matches, precision: float | None = None) -> Thresholds | None:
    """Chooses the lowest score of all classes together, and that of each class with enough boxes.

    Args:
        matches: The detections and the true boxes.
        precision: Take the lowest score that reaches it, at IoU 0.50; None for the best F1.

    Returns:
        The scores; None where nothing is found.

    Raises:
        UserError: The detections of all classes do not reach the precision at any score.
    """
    together = ByScore.of(matches)
    best = together.best()
    if best is None:
        return None
    if precision is None:
        return Thresholds(best, _of_classes(matches))
    score = together.reaching(precision)
    if score is None:
        at, highest = together.most_precise()
        raise UserError(
            f"No score reaches a precision of {precision:g} on this data: the highest is "
            f"{highest:.3f}, from a score of {at:.2f}. Ask for less: --precision."
        )
    return Thresholds(score, _of_classes(matches, precision), precision)


def _of_classes(matches: Matches, precision: float | None = None) -> dict[str, float]:
    """The score of each class that has boxes enough to tell."""
    boxes = np.bincount(matches.true_label, minlength=len(matches.classes))
    chosen = {}
    for label, name in enumerate(matches.classes):
        if boxes[label] >= _FEWEST_BOXES and len(matches.classes) > 1:
            curve = ByScore.of(matches, label)
            score = curve.best() if precision is None else _precise(curve, name, precision)
            if score is not None:
                chosen[name] = score
    return chosen


def _precise(curve: ByScore, name: str, precision: float) -> float | None:
    """The lowest score of a class that reaches a precision, or comes closest; None without any."""
    score = curve.reaching(precision)
    at, highest = curve.most_precise()
    if score is not None or not highest:
        return score
    note(
        f"warning: '{name}' does not reach a precision of {precision:g} at any score; it takes "
        f"{at:.2f}, with {highest:.3f}."
    )
    return at
