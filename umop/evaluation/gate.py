"""Compares two runs on the same data, evaluating what was not evaluated on it."""

from __future__ import annotations

from pathlib import Path

from umop.evaluation.compare import Comparison, read_matches
from umop.evaluation.evaluate import config_for, evaluate
from umop.evaluation.matches import Matches
from umop.runs.evaluation import Evaluation, annotations_of
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.digest import sha256_of
from umop.system.errors import UserError


def compare(a: RunFolder, b: RunFolder, data: Path | None = None) -> Comparison:
    """Compares the best checkpoints of two runs.

    Args:
        a: The run that is there already.
        b: The run that might take its place.
        data: Root of the data set to compare on, in place of the runs' own.

    Raises:
        UserError: The runs were evaluated on different data, one has no checkpoint, or the data
            is missing.
    """
    digests = {sha256_of(annotations_of(config_for(run, data))) for run in (a, b)}
    if len(digests) > 1:
        raise UserError(
            f"{a.name} and {b.name} are not evaluated with the same annotations. Name data that "
            "both can be evaluated on: --data."
        )
    return Comparison.of(_matches(a, data), _matches(b, data))


def _matches(run: RunFolder, data: Path | None) -> Matches:
    """What a run's best checkpoint finds, evaluated where that is not kept."""
    config, path = config_for(run, data), run.kept_evaluation(data)
    kept = Evaluation.read(path)
    found = None
    if kept and kept.holds_for(config, run.best_checkpoint()):
        found = read_matches(config, path)
    if found is None:
        note(f"evaluating {run.name}")
        evaluate(run, data)
        found = read_matches(config, path)
    if found is None:
        raise UserError(f"{path.parent} does not keep what was found.")
    return found
