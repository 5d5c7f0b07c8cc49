"""Writes ``report.html``."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader

from umop.evaluation import METRICS, Evaluation
from umop.report.curves import ap_curve, gamma_curves, loss_curves, lr_curve, share_curves
from umop.run import Run


def write_report(run: Run) -> Path:
    """Writes the report of a run from the files in its folder; needs no network to be read.

    Args:
        run: A run that was trained, and evaluated or not.

    Returns:
        The page.
    """
    environment = Environment(loader=PackageLoader("umop.report"), autoescape=True)
    lines = run.read_metrics()
    page = environment.get_template("report.html").render(
        name=run.name,
        loss=loss_curves(lines),
        ap=ap_curve(lines),
        lr=lr_curve(lines),
        gamma=gamma_curves(lines),
        share=share_curves(lines),
        metrics=table(run.evaluation),
        starts=run.starts(),
    )
    run.report.write_text(page)
    return run.report


def table(evaluation: Path) -> list[tuple[str, str, str]]:
    """Rows of the twelve numbers: name, meaning, value. Empty before an evaluation."""
    kept = Evaluation.read(evaluation)
    if kept is None:
        return []
    values = kept.metrics
    return [
        (name, meaning, f"{values[name]:.3f}" if values[name] >= 0 else "no boxes")
        for name, meaning in METRICS.items()
    ]
