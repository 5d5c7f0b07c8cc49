"""VisDrone: a text file for each image, its lines eight numbers with commas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umop.data.dataset import Builder, Image, Notation
from umop.data.layouts.files import Files
from umop.data.layouts.layout import Layout, text_files
from umop.data.layouts.names import split_of
from umop.data.layouts.reading import read_text

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
    pairs = files.pairs(".txt").of_annotation
    for name in _CLASSES:
        builder.label(name)
    for source in found:
        path = files.path(pairs[files.name(source)][0])
        index = builder.image(Image(path, source, split_of(source, files.root)))
        for number, line in enumerate(read_text(source).splitlines(), start=1):
            if line.strip():
                _read_line(line, number, index, builder)


def _read_line(line: str, number: int, image: int, builder: Builder) -> None:
    source, path = builder.images[image].source, builder.images[image].path
    values = _values(line)
    if values is None:
        text = f"line {number} is not 8 numbers with commas: {line[:60]}"
        return builder.issue("annotation-numbers", source, text, path)
    x, y, width, height, is_counted, category = values[:6]
    if not is_counted or not 1 <= category <= len(_CLASSES):
        return builder.issue("region-ignored", source, f"line {number}", path)
    return builder.box(image, int(category) - 1, (x, y, x + width, y + height), number)


LAYOUT = Layout(
    name="VisDrone",
    looks_for="VisDrone (annotations/*.txt, eight numbers a line)",
    notation=Notation("corner and size", "line", file_per_image=True),
    find=text_files(lambda line: _values(line) is not None),
    read=_read,
)
