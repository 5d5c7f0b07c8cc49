"""Where AP50 is lost."""

from __future__ import annotations

from dataclasses import dataclass

from umop.evaluation.analysis import Analysis
from umop.evaluation.mistakes import MISTAKES

_TITLES = {
    "class": "class mistaken",
    "box": "box imprecise",
    "both": "both",
    "twice": "found twice",
    "background": "background",
    "missed": "missed",
}


@dataclass(frozen=True)
class Loss:
    """A kind of mistake.

    Attributes:
        title: What it is called.
        meaning: What its detections lie on.
        points: How many points of AP50 it costs, from 0 to 100.
        share: Of the kind that costs most, 0 to 100.
    """

    title: str
    meaning: str
    points: str
    share: float


def ap_lost(analysis: Analysis) -> list[Loss]:
    """What each kind of mistake costs; empty for an analysis of an older version."""
    most = max(analysis.lost.values(), default=0) or 1
    return [
        Loss(_TITLES[kind], MISTAKES[kind], f"{100 * value:.1f}", 100 * value / most)
        for kind, value in analysis.lost.items()
    ]
