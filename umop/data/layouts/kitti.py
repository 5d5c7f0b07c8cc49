"""KITTI: a text file for each image, its lines a class and fourteen numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umop.data.dataset import Builder, Notation
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, read_lines, text_files

_VALUES = (14, 15)
"""With or without the score of a detection."""
_BOX = slice(3, 7)
_IGNORED = "dontcare"


def _values(line: str) -> tuple[str, list[float]] | None:
    """The class and the numbers of a line; None where it is none of KITTI's."""
    name, *values = line.split() or [""]
    try:
        float(name)
        return None
    except ValueError:
        pass
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    return (name, numbers) if len(numbers) in _VALUES else None


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads the boxes in the image, not those in space."""
    read_lines(files, found, builder, _read_line)
    builder.sort_classes()


def _read_line(line: str, number: int, image: int, builder: Builder) -> None:
    found = _values(line)
    if found is None:
        text = f"line {number} is not a class with 14 numbers: {line[:60]}"
        return builder.issue_of(image, "annotation-numbers", text)
    name, numbers = found
    if name.casefold() == _IGNORED:
        return builder.issue_of(image, "region-ignored", f"line {number}")
    return builder.box(image, builder.label(name), numbers[_BOX], number)


LAYOUT = Layout(
    name="KITTI",
    looks_for="KITTI (label_2/*.txt, a class and fourteen numbers a line)",
    notation=Notation("corners", "line", file_per_image=True),
    find=text_files(lambda line: _values(line) is not None),
    read=_read,
)
