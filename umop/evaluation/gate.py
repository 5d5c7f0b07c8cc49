"""Compares two runs on the same data, evaluating what was not evaluated on it."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from serving.shared import sha256_of
from umop.config.load import read_written
from umop.evaluation.compare import Comparison, read_matches
from umop.evaluation.evaluate import config_for, evaluate
from umop.evaluation.matches import Matches
from umop.runs.evaluation import Evaluation, annotations_of
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.errors import UserError


def compare(a: RunFolder, b: RunFolder, data: Path | None = None) -> Comparison:
    """Compares the best checkpoints of two runs.

    Args:
        a: The run that is there already.
        b: The run that might take its place.
        data: Root of the data set to compare on, in place of the runs' own.

    Raises:
        UserError: The runs are one, or were evaluated on different data; one has no checkpoint,
            or the data is missing.
    """
    if a.folder.resolve() == b.folder.resolve():
        raise UserError(f"{a.folder} is compared with itself. Name two runs.")
    digests = {_digest_of_annotations(run, data) for run in (a, b)}
    if len(digests) > 1:
        raise UserError(
            f"{a.name} and {b.name} are not evaluated with the same annotations. Name data that "
            "both can be evaluated on: --data."
        )
    return Comparison.of(_matches(a, data), _matches(b, data))


def _digest_of_annotations(run: RunFolder, data: Path | None) -> str:
    annotations = annotations_of(_config(run, data))
    if not annotations.is_file():
        raise UserError(f"The annotations of {run.name} are not at {annotations}.")
    return sha256_of(annotations)


def _config(run: RunFolder, data: Path | None) -> Config:
    """A run's config with the data that is compared on; without what training would import."""
    run.best_checkpoint()
    if data is not None:
        return config_for(run, data)
    return read_written(run.config)


def _matches(run: RunFolder, data: Path | None) -> Matches:
    """What a run's best checkpoint finds, evaluated where that is not kept."""
    config, path = _config(run, data), run.kept_evaluation(data)
    kept = Evaluation.read(path)
    if kept and kept.holds_for(config, run.best_checkpoint()):
        found = read_matches(config, path)
        if found is not None:
            return found
    note(f"evaluating {run.name}")
    evaluate(run, data)
    found = read_matches(config, path)
    if found is None:
        raise UserError(f"{path.parent} does not keep what was found.")
    return found
