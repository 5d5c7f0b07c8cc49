"""Writes ``report.html``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.config.load import read_written
from umop.evaluation.analysis import Analysis
from umop.evaluation.keep import beside
from umop.report.classes import class_section
from umop.report.confusion import confusion
from umop.report.curves import curves
from umop.report.data import data_section
from umop.report.images import shown_images
from umop.report.lost import ap_lost
from umop.report.numbers import evaluation_numbers
from umop.report.provenance import starts, time_trained
from umop.report.scores import scores
from umop.runs.evaluation import Evaluation, format_metric
from umop.runs.folder import RunFolder
from umop.runs.listing import run_state
from umop.runs.speed import Speed
from umop.system.dataset_paths import image_folder
from umop.system.errors import UserError
from umop.system.page import write_page


@dataclass(frozen=True)
class _Headline:
    """A number at the head of the page."""

    name: str
    value: str


def write_report(run: RunFolder, path: Path | None = None) -> Path:
    """Writes the report of a run from the files in its folder; needs no network to be read.

    Args:
        run: A run that was trained, and evaluated or not.
        path: The page to write; by default ``report.html`` in the run's folder.

    Returns:
        The page.

    Raises:
        UserError: There is no such run, one of its files is damaged, or no page can be written.
    """
    require_run(run)
    config = read_config(run)
    lines = run.read_metrics()
    numbers = evaluation_numbers(run)
    analysis = Analysis.read(beside(run.evaluation, "analysis"))
    evaluated = config and image_folder(config.test_dataloader.dataset)
    sections: dict[str, Any] = {
        "numbers": numbers,
        "classes": analysis and class_section(analysis),
        "scores": analysis and scores(analysis),
        "lost": analysis and ap_lost(analysis),
        "lowest": analysis and _lowest(analysis),
        "confusion": analysis and confusion(analysis),
        "images": analysis and evaluated and shown_images(analysis, evaluated),
        "speed": Speed.read(run.speed),
        "curves": curves(lines),
        "data": config and data_section(run, config),
        "starts": starts(run),
    }
    return write_page(
        path or run.report,
        "umop.report",
        "report.html",
        name=run.name,
        state=run_state(run),
        headlines=_headlines(run, lines),
        analysis=analysis,
        **sections,
    )


def read_config(run: RunFolder) -> Config | None:
    """The config of a run, without the modules that training needs; None where it is gone."""
    if not run.config.is_file():
        return None
    return read_written(run.config)


def require_run(run: RunFolder) -> None:
    """Checks that there is something to report.

    Raises:
        UserError: There is not.
    """
    if not any(file.is_file() for file in (run.config, run.metrics_file, run.provenance)):
        raise UserError(f"There is no run at {run.folder}. List those that there are: umop runs")


def _lowest(analysis: Analysis) -> str:
    """From which score detections are counted, in words."""
    is_single = analysis.thresholds and analysis.thresholds.classes
    return "their class's score" if is_single else f"a score of {analysis.score:.2f}"


def _headlines(run: RunFolder, lines: list[dict[str, Any]]) -> list[_Headline]:
    """The first things one wants to know."""
    evaluation = Evaluation.read(run.evaluation)
    metrics = evaluation.metrics if evaluation else {}
    found = [
        _Headline(name, format_metric(metrics[name])) for name in ("AP", "AP50", "AP75") if metrics
    ]
    if done := iterations_done(run, lines):
        found.append(_Headline("iterations", f"{done:,}"))
    if lasted := time_trained(run):
        found.append(_Headline("trained for", lasted))
    return found


def iterations_done(run: RunFolder, lines: list[dict[str, Any]]) -> int:
    """How many are done: the last that was measured, or the last of the newest start, if later."""
    measured = [line["iter"] for line in lines[-1:]]
    ended = [start.get("last_iteration") or 0 for start in run.starts()[-1:]]
    return max([*measured, *ended], default=0)
