"""How sure the differences between runs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmengine.config import Config

from umop.evaluation import Evaluation
from umop.evaluation.compare import Comparison, read_matches
from umop.runs.folder import RunFolder


class Differences(NamedTuple):
    """A run against the first one.

    Attributes:
        a: Name of the first one.
        b: Name of the other.
        found: How they differ.
    """

    a: str
    b: str
    found: Comparison


_Part = tuple[RunFolder, Config | None, Evaluation | None]


def differences(runs: Sequence[_Part]) -> list[Differences]:
    """Compares each run with the first, where both were evaluated with the same annotations.

    Args:
        runs: Each with its config and its evaluation.
    """
    (first, config, evaluation), *others = runs
    if config is None or evaluation is None:
        return []
    before = read_matches(config, first.evaluation)
    found = []
    for run, own, record in others:
        is_same = record and record.annotations_sha256 == evaluation.annotations_sha256
        after = read_matches(own, run.evaluation) if own and is_same else None
        if before and after and len(before.true_label):
            found.append(Differences(first.name, run.name, Comparison.of(before, after)))
    return found
