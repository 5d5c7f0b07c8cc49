"""Draws the curves of a run as SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

Lines = Sequence[Mapping[str, Any]]
LOSSES = ("loss_cls", "loss_bbox", "loss_centerness")


def loss_curves(lines: Lines) -> str:
    """The parts of the loss over the iterations."""
    return draw(lines, {name: name.removeprefix("loss_") for name in LOSSES}, "loss")


def ap_curve(lines: Lines) -> str:
    """AP and AP50 of each evaluation during training."""
    return draw(lines, {"AP": "AP", "AP50": "AP50"}, "AP")


def lr_curve(lines: Lines) -> str:
    """The learning rate over the iterations."""
    return draw(lines, {"lr": "learning rate"}, "learning rate")


def gamma_curves(lines: Lines) -> str:
    """γ of each pyramid level over the iterations."""
    return draw(lines, levels(lines, "gamma"), "γ")


def share_curves(lines: Lines) -> str:
    """The positives' share of the anchors of each pyramid level over the iterations."""
    return draw(lines, levels(lines, "share"), "share of positives")


def levels(lines: Lines, scalar: str) -> dict[str, str]:
    """The names of a scalar on all pyramid levels, and what the legend calls each."""
    start = f"{scalar}_"
    names = sorted({name for line in lines for name in line if name.startswith(start)})
    return {name: f"P{int(name.removeprefix(start)) + 3}" for name in names}


def draw(lines: Lines, labels: Mapping[str, str], ylabel: str) -> str:
    """Draws the named scalars of ``metrics.jsonl``.

    Args:
        lines: The file's lines.
        labels: The scalars to draw, and what the legend calls each.
        ylabel: What they are.

    Returns:
        An ``svg`` element.
    """
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for name, label in labels.items():
        points = [(line["iter"], line[name]) for line in lines if name in line]
        if points:
            axes.plot(
                *zip(*points, strict=True), label=label, marker="." if len(points) < 20 else ""
            )
    axes.set_xlabel("iteration")
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    svg = io.StringIO()
    figure.savefig(svg, format="svg")
    text = svg.getvalue()
    return text[text.index("<svg") :]
