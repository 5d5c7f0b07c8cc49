"""The twelve numbers."""

from __future__ import annotations

from dataclasses import dataclass

from umop.evaluation import METRICS, Evaluation
from umop.runs.evaluation import format_metric
from umop.runs.folder import RunFolder

_OWN = "this data"


@dataclass(frozen=True)
class _Column:
    """One evaluation.

    Attributes:
        title: What was evaluated.
        metrics: The values of :data:`umop.evaluation.METRICS`.
    """

    title: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Numbers:
    """A run's evaluations, those that there are.

    Attributes:
        columns: The run's own data, with test-time augmentation, and other data.
    """

    columns: list[_Column]

    def rows(self) -> list[tuple[str, str, list[str]]]:
        """Name, meaning, and the value of each column."""
        return [
            (name, meaning, [format_metric(column.metrics[name]) for column in self.columns])
            for name, meaning in METRICS.items()
        ]


def evaluation_numbers(run: RunFolder) -> Numbers:
    """Reads a run's evaluations; those of another checkpoint than its own data's say so."""
    files = {_OWN: run.evaluation, "with TTA": run.evaluation_tta}
    for path in sorted(run.folder.glob("evaluations/*/evaluation*.json")):
        tta = ", TTA" if path.name == run.evaluation_tta.name else ""
        files[f"{path.parent.name}{tta}"] = path
    read = {title: found for title, path in files.items() if (found := Evaluation.read(path))}
    own = read.get(_OWN)
    return Numbers([_column(title, each, own) for title, each in read.items()])


def _column(title: str, found: Evaluation, own: Evaluation | None) -> _Column:
    if own and found.checkpoint_sha256 != own.checkpoint_sha256:
        title += ", another checkpoint"
    return _Column(title, found.metrics)
