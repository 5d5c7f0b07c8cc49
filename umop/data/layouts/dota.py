"""DOTA: a text file for each image, its lines four corners, a class and a difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umop.data.dataset import Builder, Notation
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, read_lines, text_files
from umop.data.layouts.shapes import around

_NUMBERS = 8
_HEADERS = ("imagesource:", "gsd:")


def _values(line: str) -> tuple[list[float], str] | None:
    """The corners and the class of a line; None where it is none of DOTA's."""
    *values, _ = [*line.split(), ""]
    try:
        numbers = [float(value) for value in values[:_NUMBERS]]
    except ValueError:
        return None
    name = values[_NUMBERS] if len(values) in (_NUMBERS + 1, _NUMBERS + 2) else ""
    return (numbers, name) if name and not name.replace(".", "").isdigit() else None


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads the upright boxes around the corners."""
    read_lines(files, found, builder, _read_line)
    builder.sort_classes()


def _read_line(line: str, number: int, image: int, builder: Builder) -> None:
    if line.casefold().startswith(_HEADERS):
        return None
    found = _values(line)
    if found is None:
        text = f"line {number} is not 8 numbers and a class: {line[:60]}"
        return builder.issue_of(image, "annotation-numbers", text)
    numbers, name = found
    corners = around(list(zip(numbers[0::2], numbers[1::2], strict=True)))
    return builder.box(image, builder.label(name), corners, number)


LAYOUT = Layout(
    name="DOTA",
    looks_for="DOTA (labelTxt/*.txt, four corners and a class a line)",
    notation=Notation("corners", "line", file_per_image=True),
    find=text_files(lambda line: _values(line) is not None),
    read=_read,
)
