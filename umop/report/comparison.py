"""Puts several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.config.settings import leaves
from umop.evaluation import METRICS, Evaluation
from umop.evaluation.analysis import Analysis
from umop.evaluation.keep import beside
from umop.report.classes import by_recall, precision_by_recall
from umop.report.curves import Figure, line_of
from umop.report.differences import differences
from umop.report.page import iterations_done, read_config, require_run
from umop.report.provenance import start_in_words, time_trained
from umop.report.rows import Row, differing, measured_row, value_range
from umop.report.svg import Line, plot
from umop.runs.folder import RunFolder
from umop.runs.listing import run_state
from umop.system.page import write_page

_CURVES = {
    "AP": "AP on the validation data, at each evaluation.",
    "loss": "The loss.",
    "lr": "The learning rate.",
}
_MOST_SETTINGS = 100


@dataclass(frozen=True)
class _Compared:
    """One of the runs, read.

    Attributes:
        run: The run.
        lines: Of ``metrics.jsonl``.
        evaluation: None before one.
        analysis: None before one.
        config: None where it is gone.
        settings: Of its config, by dotted name.
    """

    run: RunFolder
    lines: list[dict[str, Any]]
    evaluation: Evaluation | None
    analysis: Analysis | None
    config: Config | None
    settings: dict[str, str]

    @classmethod
    def read(cls, run: RunFolder) -> _Compared:
        """Reads what is compared.

        Raises:
            UserError: There is no such run, or one of its files is damaged.
        """
        require_run(run)
        config = read_config(run)
        return cls(
            run=run,
            lines=run.read_metrics(),
            evaluation=Evaluation.read(run.evaluation),
            analysis=Analysis.read(beside(run.evaluation, "analysis")),
            config=config,
            settings=_settings_of(config) if config else {},
        )


def _settings_of(config: Config) -> dict[str, str]:
    """A config's settings by dotted name; paths in the run's folder are the same for all runs."""
    values = leaves(config)
    folder = values.pop("work_dir", "'RUN'").strip("'")
    return {name: value.replace(f"'{folder}/", "'RUN/") for name, value in values.items()}


def write_comparison(runs: Sequence[RunFolder], path: Path) -> Path:
    """Writes a page with a column for each run.

    Args:
        runs: Two or more.
        path: The page.

    Raises:
        UserError: One of the runs is not there or damaged, or the page cannot be written.
    """
    compared = [_Compared.read(run) for run in runs]
    settings = _differing_settings(compared)
    return write_page(
        path,
        "umop.report",
        "comparison.html",
        names=[each.run.name for each in compared],
        facts=_facts(compared),
        is_same_data=_is_same_data(compared),
        unevaluated=[each.run.name for each in compared if each.evaluation is None],
        metrics=_metric_rows(compared),
        differences=differences([(each.run, each.config, each.evaluation) for each in compared]),
        classes=_class_rows(compared),
        curves=[*_training_curves(compared), *_precision_curves(compared)],
        settings=settings[:_MOST_SETTINGS],
        left_out=len(settings[_MOST_SETTINGS:]),
        versions=_differing_versions(compared),
    )


def _facts(compared: Sequence[_Compared]) -> list[Row]:
    """What the runs are and came from."""
    last = [
        start_in_words(each.run.starts()[-1]) if each.run.starts() else None for each in compared
    ]
    return [
        Row("state", [run_state(each.run) for each in compared]),
        Row("iterations", [str(iterations_done(each.run, each.lines)) for each in compared]),
        Row("trained for", [time_trained(each.run) for each in compared]),
        Row("starts", [str(len(each.run.starts())) for each in compared]),
        Row("last start", [each.began if each else "" for each in last]),
        Row("seed", [str(each.details.get("seed", "")) if each else "" for each in last]),
        Row("commit", [each.commit if each else "" for each in last]),
        Row("machine", [each.machine if each else "" for each in last]),
    ]


def _is_same_data(compared: Sequence[_Compared]) -> bool:
    """Whether all evaluations were made with the same annotations."""
    digests = {each.evaluation.annotations_sha256 for each in compared if each.evaluation}
    return len(digests) <= 1


def _metric_rows(compared: Sequence[_Compared]) -> list[Row]:
    """The twelve numbers."""
    found = [each.evaluation.metrics if each.evaluation else {} for each in compared]
    return [
        measured_row(f"{name}, {meaning}", [metrics.get(name) for metrics in found])
        for name, meaning in METRICS.items()
    ]


def _class_rows(compared: Sequence[_Compared]) -> list[Row]:
    """AP of each class, those that differ most first."""
    found = [
        {each.name: each.ap for each in run.analysis.classes} if run.analysis else {}
        for run in compared
    ]
    values = {name: [of.get(name) for of in found] for of in found for name in of}
    by_spread = sorted(values.items(), key=lambda each: -value_range(each[1]))
    return [measured_row(name, of_runs) for name, of_runs in by_spread]


def _training_curves(compared: Sequence[_Compared]) -> list[Figure]:
    """Scalars of all runs over the iterations."""
    figures = []
    for name, caption in _CURVES.items():
        lines = [line_of(each.lines, name, each.run.name) for each in compared]
        figures.append(Figure(caption, plot(lines, "iteration", name)))
    return figures


def _precision_curves(compared: Sequence[_Compared]) -> list[Figure]:
    """Precision by recall of all runs."""
    precision = [
        each.analysis.precision.get("0.50", []) if each.analysis else [] for each in compared
    ]
    lines = [
        Line(each.run.name, by_recall(values))
        for each, values in zip(compared, precision, strict=True)
    ]
    caption = "Precision by recall at IoU 0.50, the mean of the classes."
    return [Figure(caption, precision_by_recall(lines))] if any(precision) else []


def _differing_settings(compared: Sequence[_Compared]) -> list[Row]:
    """The settings that are not the same in all configs."""
    return differing([each.settings for each in compared])


def _differing_versions(compared: Sequence[_Compared]) -> list[Row]:
    """The packages whose versions are not the same in the last start of all runs."""
    starts = [each.run.starts() for each in compared]
    return differing([each[-1].get("versions", {}) if each else {} for each in starts])
