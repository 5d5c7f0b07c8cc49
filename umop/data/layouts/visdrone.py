"""VisDrone: a text file for each image, its lines eight numbers with commas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umop.data.dataset import Builder, Notation
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, read_lines, text_files

_CLASSES = (
    *("pedestrian", "people", "bicycle", "car", "van", "truck"),
    *("tricycle", "awning-tricycle", "bus", "motor"),
)
"""Of the numbers from 1; 0 is a region to ignore, and 11 is for what is none of them."""
_VALUES = 8


def _values(line: str) -> list[float] | None:
    """The numbers of a line; None where it is none of VisDrone's."""
    try:
        found = [float(value) for value in line.strip().strip(",").split(",")]
    except ValueError:
        return None
    return found if len(found) == _VALUES else None


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all files."""
    for name in _CLASSES:
        builder.label(name)
    read_lines(files, found, builder, _read_line)


def _read_line(line: str, number: int, image: int, builder: Builder) -> None:
    values = _values(line)
    if values is None:
        text = f"line {number} is not 8 numbers with commas: {line[:60]}"
        return builder.issue_of(image, "annotation-numbers", text)
    x, y, width, height, is_counted, category = values[:6]
    if not is_counted or not 1 <= category <= len(_CLASSES):
        return builder.issue_of(image, "region-ignored", f"line {number}")
    return builder.box(image, int(category) - 1, (x, y, x + width, y + height), number)


LAYOUT = Layout(
    name="VisDrone",
    looks_for="VisDrone (annotations/*.txt, eight numbers a line)",
    notation=Notation("corner and size", "line", file_per_image=True),
    find=text_files(lambda line: _values(line) is not None),
    read=_read,
)
