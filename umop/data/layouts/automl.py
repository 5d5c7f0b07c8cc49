"""Google's AutoML and Vertex AI: a CSV without header, its coordinates parts of the sides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import is_image, split_in, without_scheme
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout
from umop.data.layouts.rows import first_row, rows
from umop.data.layouts.shapes import around

_SETS = ("train", "training", "validate", "validation", "test", "unassigned")
_FIRST, _LAST = 3, 11
_NUMBER = re.compile(r"[\d.eE+-]*")


def _find(files: Files) -> list[Path]:
    """The tables whose rows start with a set and an image."""
    return [path for path in files.matching(".csv") if _is_row(_with_set(first_row(path)))]


def _rows(path: Path) -> Iterator[list[str]]:
    """The rows of a table, each with a set, which may be left out."""
    return map(_with_set, rows(path))


def _with_set(row: list[str]) -> list[str]:
    is_without = len(row) == _LAST - 1 and all(map(_NUMBER.fullmatch, row[_FIRST - 1 :]))
    return ["", *row] if is_without and is_image(row[0]) else row


def _is_row(row: Sequence[str]) -> bool:
    return len(row) > _FIRST and row[0].casefold() in (*_SETS, "") and is_image(row[1])


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all rows; one without a class is an image without boxes."""
    for path in found:
        images: dict[str, int] = {}
        for number, row in enumerate(_rows(path), start=1):
            if _is_row(row):
                if row[1] not in images:
                    written = without_scheme(row[1])
                    image = files.of_bucket(written, path)
                    split = split_in(row[0])
                    images[row[1]] = builder.image(Image(image, path, split, written=written))
                _read_row(row, number, images[row[1]], builder)
            elif any(row):
                text = f"line {number} is not a row of set, image, class and corners"
                builder.issue("annotations-unreadable", path, text)
    builder.sort_classes()


def _read_row(row: list[str], number: int, image: int, builder: Builder) -> None:
    values = [value for value in row[_FIRST:_LAST] if value]
    if not row[2] and not values:
        return None  # an image without boxes
    try:
        numbers = [float(value) for value in values]
        corners = around(list(zip(numbers[0::2], numbers[1::2], strict=True)))
    except ValueError:
        text = f"line {number} has no corners in pairs: {', '.join(row[_FIRST:_LAST])}"
        return builder.issue_of(image, "annotation-numbers", text)
    return builder.box(image, builder.label(row[2]), corners, number)


LAYOUT = Layout(
    name="AutoML CSV",
    looks_for="AutoML's CSV (TRAIN,gs://…/a.jpg,class,x,y,,,x,y,,)",
    notation=Notation("corners", "line", relative=True),
    find=_find,
    read=_read,
)
