"""Google's AutoML and Vertex AI: a CSV without header, its coordinates parts of the sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import is_image, split_in, without_scheme
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout
from umop.data.layouts.shapes import around
from umop.data.layouts.table import first_row, rows

_SETS = ("train", "training", "validate", "validation", "test", "unassigned")
_FIRST, _LAST = 3, 11


def _find(files: Files) -> list[Path]:
    """The tables whose rows start with a set and an image."""
    return [path for path in files.matching(".csv") if _is_row(first_row(path))]


def _is_row(row: Sequence[str]) -> bool:
    return len(row) > _FIRST and row[0].casefold() in (*_SETS, "") and is_image(row[1])


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all rows; one without a class is an image without boxes."""
    for path in found:
        images: dict[str, int] = {}
        for number, row in enumerate(rows(path), start=1):
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
        source, path = builder.images[image].source, builder.images[image].path
        return builder.issue("annotation-numbers", source, text, path)
    return builder.box(image, builder.label(row[2]), corners, number)


LAYOUT = Layout(
    name="AutoML CSV",
    looks_for="AutoML's CSV (TRAIN,gs://…/a.jpg,class,x,y,,,x,y,,)",
    notation=Notation("corners", "line", relative=True),
    find=_find,
    read=_read,
)
