"""WIDER FACE: one text file with each image, the number of its faces, and a line for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import is_image
from umop.data.files.reading import head, read_text
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout

_CLASS = "face"
_BOX = 4
_INVALID = 7


def _find(files: Files) -> list[Path]:
    """The files that start with an image and a number of faces."""
    return [path for path in files.matching(".txt") if _is_list(head(path).splitlines()[:3])]


def _is_list(lines: Sequence[str]) -> bool:
    return len(lines) > 2 and is_image(lines[0].strip()) and lines[1].strip().isdecimal()


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all files."""
    label = builder.label(_CLASS)
    for source in found:
        for written, faces in _images(source):
            folders = ("", "images", *(f"{part}/images" for part in _parts(files)))
            path = files.image_or_expected(written, folders)
            split = files.split_of_list(source)
            index = builder.image(Image(path, source, split, written=written))
            for number, line in faces:
                _read_face(line, number, index, label, builder)


def _parts(files: Files) -> list[str]:
    """The folders in which the data's own zips unpack, such as ``WIDER_train``."""
    return sorted({name.partition("/")[0] for name in files.names if "/" in name})


def _images(source: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """The images, each with the numbers and texts of its lines."""
    written, faces = "", list[tuple[int, str]]()
    for number, line in enumerate(read_text(source).splitlines(), start=1):
        if is_image(line.strip()):
            if written:
                yield written, faces
            written, faces = line.strip(), []
        elif len(line.split()) > 1:
            faces.append((number, line))
    if written:
        yield written, faces


def _read_face(line: str, number: int, image: int, label: int, builder: Builder) -> None:
    try:
        values = [float(value) for value in line.split()]
        x, y, width, height = values[:_BOX]
    except ValueError:
        text = f"line {number} has no box of 4 numbers: {line[:60]}"
        return builder.issue_of(image, "annotation-numbers", text)
    if not any(values):
        return None  # the line of an image without faces
    if len(values) > _INVALID and values[_INVALID]:
        return builder.issue_of(image, "region-ignored", f"line {number}")
    return builder.box(image, label, (x, y, x + width, y + height), number)


LAYOUT = Layout(
    name="WIDER FACE",
    looks_for="WIDER FACE (wider_face_train_bbx_gt.txt)",
    notation=Notation("corner and size", "line"),
    find=_find,
    read=_read,
)
