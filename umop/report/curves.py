"""The curves of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from umop.report.svg import Line, plot

_Lines = Sequence[Mapping[str, Any]]
_LOSSES = {"loss_cls": "cls", "loss_bbox": "bbox", "loss_centerness": "centerness"}


@dataclass(frozen=True)
class Figure:
    """A plot and what it shows.

    Attributes:
        caption: One sentence.
        plot: The drawing.
    """

    caption: str
    plot: Markup


def curves(lines: _Lines) -> list[Figure]:
    """What was measured in training, over its iterations.

    Args:
        lines: Those of ``metrics.jsonl``.
    """
    return [
        Figure("The parts of the loss.", _over_iterations(lines, _LOSSES, "loss")),
        Figure(
            "AP and AP50 on the validation data, at each evaluation.",
            _over_iterations(lines, {"AP": "AP", "AP50": "AP50"}, "AP"),
        ),
        Figure("The learning rate.", _over_iterations(lines, {"lr": "learning rate"}, "rate")),
        Figure(
            "γ of each pyramid level: how hard its positives still are, from 1.5 to 2.5; 2 on a "
            "level that has none.",
            _over_iterations(lines, _levels(lines, "gamma"), "γ"),
        ),
        Figure(
            "The share of each level's anchors that have an object.",
            _over_iterations(lines, _levels(lines, "share"), "share"),
        ),
    ]


def _over_iterations(lines: _Lines, labels: Mapping[str, str], y: str) -> Markup:
    """Draws some scalars; ``labels`` says what the legend calls each."""
    return plot([line_of(lines, name, label) for name, label in labels.items()], "iteration", y)


def line_of(lines: _Lines, name: str, label: str) -> Line:
    """The values of one scalar.

    Args:
        lines: Those of ``metrics.jsonl``; one without the scalar is left out.
        name: The scalar's key in them.
        label: What the legend calls it.
    """
    return Line(label, [(line["iter"], line[name]) for line in lines if name in line])


def _levels(lines: _Lines, scalar: str) -> dict[str, str]:
    """The names of a scalar on all pyramid levels, and what the legend calls each."""
    start = f"{scalar}_"
    names = sorted({name for line in lines for name in line if name.startswith(start)})
    return {name: f"P{int(name.removeprefix(start)) + 3}" for name in names}
