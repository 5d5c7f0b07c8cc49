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


def gamma_curves(lines: Lines) -> str:
    """γ of each pyramid level over the iterations."""
    levels = sorted({name for line in lines for name in line if name.startswith("gamma_")})
    return draw(lines, {name: f"P{int(name[6:]) + 3}" for name in levels}, "γ")


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
            axes.plot(*zip(*points, strict=True), label=label)
    axes.set_xlabel("iteration")
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    svg = io.StringIO()
    figure.savefig(svg, format="svg")
    text = svg.getvalue()
    return text[text.index("<svg") :]
