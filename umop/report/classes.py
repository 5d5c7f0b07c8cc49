"""Each class: AP and precision."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from umop.evaluation.analysis import Analysis, ClassResult
from umop.report.svg import Line, plot, sparkline
from umop.runs.evaluation import format_metric

_MOST_LINES = 8
_EVERY = 4
"""A small curve has every fourth of the 101 recalls."""


@dataclass(frozen=True)
class _Row:
    """One class in the table."""

    name: str
    boxes: int
    ap: str
    ap50: str
    ap75: str
    percent: float
    curve: Markup
    interval: str
    score: str


@dataclass(frozen=True)
class ClassSection:
    """The section.

    Attributes:
        rows: The classes, the lowest AP first; those without boxes last.
        mean: Precision by recall at several IoUs, the mean of the classes.
        each: Precision by recall of each class, where they are few.
        have_intervals: Whether intervals of AP are known.
        have_scores: Whether scores were chosen.
    """

    rows: list[_Row]
    mean: Markup
    each: Markup | None
    have_intervals: bool
    have_scores: bool


def class_section(analysis: Analysis) -> ClassSection:
    """Draws precision by recall, of the mean and of the classes."""
    listed = sorted(analysis.classes, key=lambda each: (each.ap is None, each.ap, each.name))
    mean = [Line(f"IoU {iou}", by_recall(values)) for iou, values in analysis.precision.items()]
    single = [Line(each.name, by_recall(each.precision)) for each in analysis.classes]
    drawn = [each for each in single if each.points]
    return ClassSection(
        rows=[_row(each) for each in listed],
        mean=precision_by_recall(mean),
        each=precision_by_recall(drawn) if 1 < len(drawn) <= _MOST_LINES else None,
        have_intervals=any(each.interval for each in listed),
        have_scores=any(each.score is not None for each in listed),
    )


def _row(each: ClassResult) -> _Row:
    """A class as the table shows it."""
    ap, ap50, ap75 = (
        format_metric(-1 if value is None else value) for value in (each.ap, each.ap50, each.ap75)
    )
    curve = sparkline(each.precision[::_EVERY], f"Precision of {each.name} by recall")
    interval = "{:.3f} to {:.3f}".format(*each.interval) if each.interval else ""
    score = "" if each.score is None else f"{each.score:.2f}"
    return _Row(each.name, each.boxes, ap, ap50, ap75, 100 * (each.ap or 0), curve, interval, score)


def by_recall(precision: list[float]) -> list[tuple[float, float]]:
    """The points of a curve: recalls from 0 to 1, evenly spaced."""
    return [(i / (len(precision) - 1), value) for i, value in enumerate(precision)]


def precision_by_recall(lines: list[Line]) -> Markup:
    return plot(lines, "recall", "precision", (0, 1), (0, 1))
