"""Rows of tables that have a column for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from umop.runs.evaluation import format_metric


@dataclass(frozen=True)
class Row:
    """A row of a table with a column for each run.

    Attributes:
        name: What is compared.
        values: As text.
        best: The columns of the highest value; none where all are the same.
    """

    name: str
    values: list[str]
    best: frozenset[int] = frozenset()


def measured_row(name: str, values: Sequence[float | None]) -> Row:
    """Numbers from 0 to 1, the highest marked; None where a run has none."""
    texts = ["" if value is None else format_metric(value) for value in values]
    highest = max((value for value in values if value is not None), default=None)
    is_decided = value_range(values) > 0
    best = (column for column, value in enumerate(values) if is_decided and value == highest)
    return Row(name, texts, frozenset(best))


def value_range(values: Sequence[float | None]) -> float:
    """How far the values that there are lie apart."""
    known = [value for value in values if value is not None]
    return max(known) - min(known) if known else 0.0


def differing(tables: Sequence[Mapping[str, str]]) -> list[Row]:
    """A row for each name whose values differ; those that a run does not have are empty."""
    names = sorted({name for table in tables for name in table})
    rows = [Row(name, [table.get(name, "") for table in tables]) for name in names]
    return [each for each in rows if len(set(each.values)) > 1]
