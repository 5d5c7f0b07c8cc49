"""The rows of CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from umop.data.files.reading import head, read_text

_LONGEST_VALUE = 2**31 - 1
"""Tables may hold masks as well, which are longer than Python's csv takes unless told."""
_NUMBER = re.compile(r"[\[( ]*[-+]?\.?\d")
"""How a number starts, or several in one value."""


def first_row(path: Path) -> list[str]:
    """The first row that is not empty; nothing where there is none."""
    return next(filter(any, first_rows(path)), [])


def first_rows(path: Path) -> Iterator[list[str]]:
    """The rows at a table's start, see :func:`rows`; the last may be cut off."""
    return _rows(head(path), is_start=True)


def rows(path: Path) -> Iterator[list[str]]:
    """All rows, one for each line, without spaces around the values.

    A value in quotes may hold line breaks: the lines before the row's last one are empty rows. A
    quote left open ends with its line, also where one in a later row would close it.
    """
    return _rows(read_text(path))


def delimiter_of(text: str) -> str:
    """What is between the values of a table."""
    start = text.partition("\n")[0]
    return max(",;\t", key=start.count)


def _rows(text: str, is_start: bool = False) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_VALUE)
    delimiter = delimiter_of(text)
    for row in _with_line_breaks(text, delimiter, is_start) or _line_by_line(text, delimiter):
        yield [value.strip() for value in row]


def _with_line_breaks(text: str, delimiter: str, is_start: bool) -> list[list[str]]:
    """The rows of a text all of whose quotes are closed; nothing for another.

    Args:
        text: The text.
        delimiter: What is between its values.
        is_start: Whether the text may be cut off, also within quotes.
    """
    lines = io.StringIO(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    found: list[list[str]] = []
    header: list[str] = []
    try:
        for row in reader:
            header = header or row
            has_one_line = reader.line_num == len(found) + 1
            found += [row] if has_one_line else _of_lines(row, len(header), delimiter)
    except csv.Error:
        return found if is_start and not lines.read(1) else []
    return found


def _of_lines(row: list[str], width: int, delimiter: str) -> list[list[str]]:
    """The rows of a row's lines: it alone in the last, or those that its quotes wrongly hold.

    Args:
        row: The row.
        width: The number of the table's columns.
        delimiter: What is between its values.
    """
    first, *others = _without_quotes(row, delimiter)
    if any(_is_row(line, first, width) for line in others):
        return [first, *others]
    return [*([] for _ in others), row]


def _without_quotes(row: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows of a row's lines, as if there were no quotes around its line breaks."""
    found: list[list[str]] = [[]]
    for value in row:
        first, *others = value.split("\n")
        found[-1] += _row_of(first, delimiter) if others else [value]
        found += [_row_of(line, delimiter) for line in others]
    return found


def _is_row(line: Sequence[str], first: Sequence[str], width: int) -> bool:
    """Whether a line within quotes is a row of the table, not a part of a longer text.

    Args:
        line: Its values.
        first: Those of the line in which the quotes open.
        width: The number of the table's columns.
    """
    pairs = zip(line, first, strict=False)
    return len(line) == width and any(all(map(_NUMBER.match, pair)) for pair in pairs)


def _line_by_line(text: str, delimiter: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        yield _row_of(line, delimiter)


def _row_of(line: str, delimiter: str) -> list[str]:
    plain = line.replace("\r", " ")
    return next(csv.reader([plain], delimiter=delimiter, skipinitialspace=True)) or [""]
