"""The rows of CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from umop.data.files.reading import head, read_text

_LONGEST_VALUE = 2**31 - 1
"""Tables may hold masks as well, which are longer than Python's csv takes unless told."""


def first_row(path: Path) -> list[str]:
    """The first row that is not empty; nothing where there is none."""
    return next(filter(any, first_rows(path)), [])


def first_rows(path: Path) -> Iterator[list[str]]:
    """The rows at a table's start, see :func:`rows`; the last may be cut off."""
    return _rows(head(path), is_start=True)


def rows(path: Path) -> Iterator[list[str]]:
    """All rows, one for each line, without spaces around the values.

    A value in quotes may hold line breaks: the lines before the row's last one are empty rows. A
    quote left open ends with its line.
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
    try:
        for row in reader:
            found += [[]] * (reader.line_num - len(found) - 1)
            found.append(row)
    except csv.Error:
        return found if is_start and not lines.read(1) else []
    return found


def _line_by_line(text: str, delimiter: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        yield next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
