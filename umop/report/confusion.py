"""Which classes are taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from umop.evaluation.analysis import Analysis

_MOST_IN_TABLE = 16
_MOST_MISTAKES = 10
NOTHING, MISSED = "nothing", "missed"


@dataclass(frozen=True)
class _Cell:
    """A number of the table.

    Attributes:
        count: True boxes of the row's class that were detected as the column's.
        percent: Of the row.
        is_right: Whether both are the same class.
    """

    count: int
    percent: float
    is_right: bool


@dataclass(frozen=True)
class _Mistake:
    """A frequent mistake, in words."""

    text: str
    count: int


@dataclass(frozen=True)
class Confusion:
    """The section.

    Attributes:
        columns: Names of the columns.
        rows: Names and cells of the rows, where the classes are few.
        map: The same as an image, where they are many.
        mistakes: The most frequent ones.
    """

    columns: list[str]
    rows: list[tuple[str, list[_Cell]]]
    map: Markup | None
    mistakes: list[_Mistake]


def confusion(analysis: Analysis) -> Confusion:
    """Shows the confusion matrix as a table, or as an image where it would be too large."""
    names = [each.name for each in analysis.classes]
    rows = [
        (name, _cells(counts, number))
        for number, (name, counts) in enumerate(
            zip([*names, NOTHING], analysis.confusion, strict=True)
        )
    ]
    columns = [*names, MISSED]
    is_small = len(names) <= _MOST_IN_TABLE
    return Confusion(
        columns=columns,
        rows=rows if is_small else [],
        map=None if is_small else _heat_map(columns, rows),
        mistakes=_mistakes(columns, rows),
    )


def _cells(counts: list[int], number: int) -> list[_Cell]:
    """The cells of a row."""
    total = sum(counts) or 1
    last = len(counts) - 1
    return [
        _Cell(count, 100 * count / total, column == number < last)
        for column, count in enumerate(counts)
    ]


def _mistakes(columns: list[str], rows: list[tuple[str, list[_Cell]]]) -> list[_Mistake]:
    """The most frequent mistakes, in words."""
    found = [
        (cell.count, row, column)
        for row, line in rows
        for column, cell in zip(columns, line, strict=True)
        if cell.count and not cell.is_right
    ]
    found.sort(key=lambda each: (-each[0], each[1:]))
    return [
        _Mistake(_in_words(row, column), count) for count, row, column in found[:_MOST_MISTAKES]
    ]


def _in_words(row: str, column: str) -> str:
    if row == NOTHING:
        return f"{column} where nothing is"
    return f"{row} missed" if column == MISSED else f"{row} taken for {column}"


def _heat_map(columns: list[str], rows: list[tuple[str, list[_Cell]]]) -> Markup:
    """A square for each cell that is not empty, which says its number when pointed at."""
    side = len(columns)
    parts = [
        f'<svg class="heat" viewBox="0 0 {side} {side}" role="img" '
        'aria-label="Confusion matrix: true classes from top to bottom, detected from left to '
        'right; the table below names the most frequent mistakes">'
    ]
    for top, (row, line) in enumerate(rows):
        for left, (column, cell) in enumerate(zip(columns, line, strict=True)):
            if cell.count:
                kind = "right" if cell.is_right else "wrong"
                words = row if cell.is_right else _in_words(row, column)
                opacity = 0.2 + 0.8 * cell.percent / 100
                parts.append(
                    f'<rect x="{left}" y="{top}" width="1" height="1" class="{kind}" '
                    f'opacity="{opacity:.2f}"><title>{escape(words)}: {cell.count}</title></rect>'
                )
    return Markup("".join([*parts, "</svg>"]))
