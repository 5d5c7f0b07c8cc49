"""CSV: a row for each box, as Open Images writes them, or ``image,x1,y1,x2,y2,label``."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from umop.data.dataset import Builder, DataSet, Image
from umop.data.layouts.coco import pixels
from umop.data.layouts.files import Files, is_image, read_text, split_of, split_of_list

NAME = "CSV"
LOOKS_FOR = "CSV (columns image,x1,y1,x2,y2,label, or those of Open Images)"
COLUMNS = {
    "image": (
        "image",
        "image_path",
        "imageid",
        "image_id",
        "filename",
        "file_name",
        "path",
        "file",
    ),
    "x1": ("x1", "xmin", "left"),
    "y1": ("y1", "ymin", "top"),
    "x2": ("x2", "xmax", "right"),
    "y2": ("y2", "ymax", "bottom"),
    "label": ("label", "class", "labelname", "class_name", "name", "category"),
}
"""What the columns may be called, in small letters."""
EXTRA = ("width", "height", "isgroupof")
WITHOUT_HEADER = ("image", "x1", "y1", "x2", "y2", "label")
LONGEST_VALUE = 2**31 - 1
"""Tables may hold masks as well, which are longer than Python's csv takes unless told."""
FOLDERS = ("", "images", "train", "val", "valid", "test")


def find(files: Files) -> list[Path]:
    """The files that are tables of boxes."""
    return [path for path in files.matching(".csv", ".tsv") if columns(first_row(path))]


def first_row(path: Path) -> list[str]:
    """The first row that is not empty; nothing where there is none."""
    return next((row for row in rows(path) if any(row)), [])


def rows(path: Path) -> Iterator[list[str]]:
    """All rows, without spaces around the values; a quote left open ends with its line."""
    csv.field_size_limit(LONGEST_VALUE)
    lines = read_text(path).splitlines()
    start = lines[0] if lines else ""
    delimiter = max(",;\t", key=start.count)
    for line in lines:
        row = next(csv.reader([line], delimiter=delimiter), [])
        yield [value.strip() for value in row]


def columns(row: Sequence[str]) -> dict[str, int] | None:
    """Where each column is, by the table's first row; None if it is no table of boxes."""
    names = [value.casefold() for value in row]
    found = {
        column: next((names.index(name) for name in known if name in names), -1)
        for column, known in COLUMNS.items()
    }
    if min(found.values()) >= 0:
        return {**found, **{name: names.index(name) for name in EXTRA if name in names}}
    is_row = len(row) >= len(WITHOUT_HEADER) and is_image(row[0])
    return dict(zip(WITHOUT_HEADER, range(6), strict=True)) if is_row else None


def read(files: Files) -> DataSet:
    """Reads all tables. Coordinates are parts of the sides where none is over 1."""
    builder = Builder(files.root)
    names = class_descriptions(files)
    for path in find(files):
        Table(path, files, builder, names).read()
    builder.sort_classes()
    largest = max((max(row[2]) for row in builder.rows), default=0.0)
    is_open_images = any(
        "xmin" in map(str.casefold, first_row(path))
        and "labelname" in map(str.casefold, first_row(path))
        for path in find(files)
    )
    return builder.build(NAME, "line", relative=is_open_images and largest <= 1)


def class_descriptions(files: Files) -> dict[str, str]:
    """Open Images' names of its classes, by their id."""
    tables = [path for path in files.matching(".csv") if "class-descriptions" in path.name]
    return {row[0]: row[1] for path in tables for row in rows(path) if len(row) == 2}


class Table:
    """One table.

    Args:
        path: The file.
        files: The files of the data set.
        builder: Takes what is found.
        names: Names of classes that the table gives by their id.
    """

    def __init__(self, path: Path, files: Files, builder: Builder, names: dict[str, str]) -> None:
        self.path = path
        self.files = files
        self.builder = builder
        self.names = names
        self.split = split_of_list(path, files.root)
        self.images: dict[str, int] = {}

    def read(self) -> None:
        start = first_row(self.path)
        self.columns = columns(start) or {}
        has_header = not is_image(start[self.columns["image"]])
        for number, row in enumerate(rows(self.path), start=1):
            if has_header and any(row[len(start) :]):
                text = (
                    f"line {number} has more values than the first line has names ({len(start)}): "
                    "write decimal points, and commas within quotes"
                )
                self.note("annotations-unreadable", text)
            elif any(row) and not (has_header and row == start):
                self.read_row(number, row)

    def read_row(self, number: int, row: list[str]) -> None:
        cells = {name: row[i] for name, i in self.columns.items() if i < len(row)}
        if not cells.get("image"):
            return self.note("annotations-unreadable", f"line {number} names no image")
        image = self.image(cells)
        written = [cells.get(side, "") for side in ("x1", "y1", "x2", "y2")]
        if not any(written):
            return None  # an image without boxes
        try:
            corners = [float(value) for value in written]
        except ValueError:
            text = f"line {number} has no box of 4 numbers: {', '.join(written)}"
            path = self.builder.images[image].path
            return self.note("annotation-numbers", text, path)
        written_label = cells.get("label", "")
        label = self.builder.label(self.names.get(written_label, written_label))
        crowd = cells.get("isgroupof") == "1"
        return self.builder.box(image, label, corners, number, crowd)

    def image(self, cells: dict[str, str]) -> int:
        """The index of a row's image."""
        written = cells["image"]
        if written not in self.images:
            here = self.path.parent.relative_to(self.files.root).as_posix().removeprefix(".")
            folders = (here, *([self.split] if self.split else []), *FOLDERS)
            path = self.files.image(written, folders) or self.files.root / written
            sides = [pixels(cells.get(side)) for side in ("width", "height")]
            split = self.split or split_of(path, self.files.root)
            self.images[written] = self.builder.image(Image(path, self.path, split, *sides))
        return self.images[written]

    def note(self, rule: str, text: str, image: Path | None = None) -> None:
        self.builder.problem(rule, self.path, text, image)
