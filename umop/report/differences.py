"""How sure the differences between runs are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmengine.config import Config

from umop.evaluation import Evaluation
from umop.evaluation.compare import Comparison, Difference, read_matches
from umop.runs.folder import RunFolder


@dataclass(frozen=True)
class DifferenceRow:
    """A difference, as the table shows it.

    Attributes:
        name: A class, or all of them.
        numbers: AP of both runs, their difference and its interval.
        verdict: ``better``, ``worse``, or nothing where chance may explain it.
    """

    name: str
    numbers: list[str]
    verdict: str


@dataclass(frozen=True)
class Differences:
    """A run against the first one.

    Attributes:
        a: Name of the first one.
        b: Name of the other.
        images: How many images both were evaluated on.
        rows: All classes together, and each.
        unjudged: Classes with boxes in too few images.
    """

    a: str
    b: str
    images: int
    rows: list[DifferenceRow]
    unjudged: list[str]


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
            found.append(_shown(first.name, run.name, Comparison.of(before, after)))
    return found


def _shown(a: str, b: str, found: Comparison) -> Differences:
    rows = [_row(each) for each in (found.mean, *found.classes)]
    return Differences(a, b, found.images, rows, found.unjudged)


def _row(each: Difference) -> DifferenceRow:
    return DifferenceRow(each.name or "all classes", each.texts, each.verdict)
