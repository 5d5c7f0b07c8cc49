"""Precision, recall and F1 by score, and the scores that a bundle reports detections from."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from umop.evaluation.analysis import Analysis
from umop.evaluation.thresholds import SCORES
from umop.report.svg import Line, plot
from umop.runs.evaluation import Thresholds

_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}


@dataclass(frozen=True)
class Scores:
    """The section.

    Attributes:
        plot: Of all classes together.
        thresholds: Those that were chosen.
        best: Precision, recall and F1 at the threshold of all classes.
    """

    plot: Markup
    thresholds: Thresholds
    best: dict[str, str]


def scores(analysis: Analysis) -> Scores | None:
    """Draws what each score would give; None for an analysis of an older version, or of nothing."""
    chosen = analysis.thresholds
    if chosen is None or not analysis.by_score:
        return None
    lines = [
        Line(label, list(zip(SCORES.tolist(), analysis.by_score[name], strict=False)))
        for name, label in _NAMES.items()
    ]
    at = int((chosen.score >= SCORES).sum()) - 1
    best = {label: f"{analysis.by_score[name][at]:.3f}" for name, label in _NAMES.items()}
    return Scores(plot(lines, "score", "precision, recall, F1", (0, 1), (0, 1)), chosen, best)
