"""CSV: a row for each box, as Open Images, TensorFlow, makesense and many people write them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import is_image, split_in, split_of, split_of_list
from umop.data.files.reading import head, read_text
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout
from umop.data.layouts.shapes import pixels

_IMAGE = (
    *("image", "image_path", "imageid", "image_id", "image_name", "imagename", "img"),
    *("filename", "file_name", "path", "file"),
)
_LABEL = ("label", "class", "labelname", "label_name", "class_name", "name", "category")
_CORNERS = {
    "x1": ("x1", "xmin", "x_min", "left", "bbox_x1"),
    "y1": ("y1", "ymin", "y_min", "top", "bbox_y1"),
    "x2": ("x2", "xmax", "x_max", "right", "bbox_x2"),
    "y2": ("y2", "ymax", "y_max", "bottom", "bbox_y2"),
}
_SIZES = {
    "x1": ("bbox_x", "box_x", "x", *_CORNERS["x1"]),
    "y1": ("bbox_y", "box_y", "y", *_CORNERS["y1"]),
    "x2": ("bbox_width", "bbox_w", "box_width", "box_w", "w", "width"),
    "y2": ("bbox_height", "bbox_h", "box_height", "box_h", "h", "height"),
}
"""What the columns may be called, in small letters; of a size where the second corner is none."""
_EXTRA = {
    "width": ("width", "image_width"),
    "height": ("height", "image_height"),
    "isgroupof": ("isgroupof",),
    "split": ("split", "subset"),
}
_WITHOUT_HEADER = {
    ("image", "x1", "y1", "x2", "y2", "label"): 0,
    ("label", "x1", "y1", "x2", "y2", "image", "width", "height"): 5,
}
"""The columns of tables without names, and which of them is an image: makesense's is the sixth."""
_LONGEST_VALUE = 2**31 - 1
"""Tables may hold masks as well, which are longer than Python's csv takes unless told."""
_OPEN_IMAGES = {"xmin", "labelname"}


def _find(files: Files) -> list[Path]:
    """The files that are tables of boxes."""
    return [path for path in files.matching(".csv", ".tsv") if _columns(first_row(path))]


def first_row(path: Path) -> list[str]:
    """The first row that is not empty; nothing where there is none."""
    return next(filter(any, first_rows(path)), [])


def first_rows(path: Path) -> Iterator[list[str]]:
    """The rows at a table's start, see :func:`rows`; the last may be cut off."""
    return _rows(head(path))


def rows(path: Path) -> Iterator[list[str]]:
    """All rows, without spaces around the values; a quote left open ends with its line."""
    return _rows(read_text(path))


def _rows(text: str) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_VALUE)
    lines = text.splitlines()
    start = lines[0] if lines else ""
    delimiter = max(",;\t", key=start.count)
    for line in lines:
        row = next(csv.reader([line], delimiter=delimiter), [])
        yield [value.strip() for value in row]


def _columns(row: Sequence[str]) -> dict[str, int] | None:
    """Where each column is, by the table's first row; None if it is not a table of boxes."""
    names = [value.casefold() for value in row]
    for sides in (_CORNERS, _SIZES):
        known = {"image": _IMAGE, "label": _LABEL, **sides}
        if all(any(name in names for name in each) for each in known.values()):
            return _places(names, known)
    for columns, image in _WITHOUT_HEADER.items():
        if len(row) >= len(columns) and is_image(row[image]):
            return dict(zip(columns, range(len(columns)), strict=True))
    return None


def _places(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Where the columns are; of those that a table may lack, none that stands for another."""
    found = {key: next(name for name in each if name in names) for key, each in known.items()}
    left = [name for name in names if name not in found.values()]
    extra = {key: [name for name in each if name in left] for key, each in _EXTRA.items()}
    found |= {key: each[0] for key, each in extra.items() if each}
    return {key: names.index(name) for key, name in found.items()}


def _has_sizes(row: Sequence[str]) -> bool:
    """Whether a table has sizes, not second corners, by its first row."""
    names = [value.casefold() for value in row]
    columns = _columns(row) or {}
    if not columns or is_image(row[columns["image"]]):
        return bool(columns) and columns["image"] != 0
    return names[columns["x2"]] in _SIZES["x2"]


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all tables. Open Images' coordinates are parts of the sides."""
    names = _class_descriptions(files)
    for path in found:
        _Table(path, files, builder, names).read()
    builder.sort_classes()
    largest = max((max(row[2]) for row in builder.rows), default=0.0)
    headers = [{value.casefold() for value in first_row(path)} for path in found]
    if largest <= 1 and any(header >= _OPEN_IMAGES for header in headers):
        builder.notation = replace(LAYOUT.notation, relative=True)
    elif all(_has_sizes(first_row(path)) for path in found):
        builder.notation = replace(LAYOUT.notation, encoding="corner and size")


def _class_descriptions(files: Files) -> dict[str, str]:
    """Open Images' names of its classes, by their id."""
    tables = [path for path in files.matching(".csv") if "class-descriptions" in path.name]
    return {row[0]: row[1] for path in tables for row in rows(path) if len(row) == 2}


class _Table:
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
        start = next(filter(any, rows(self.path)), [])
        self.columns = _columns(start) or {}
        self.has_sizes = _has_sizes(start)
        has_header = not is_image(start[self.columns["image"]])
        for number, row in enumerate(rows(self.path), start=1):
            if has_header and any(row[len(start) :]):
                text = (
                    f"line {number} has more values than the first line has names ({len(start)}): "
                    "write decimal points, and commas within quotes"
                )
                self._note("annotations-unreadable", text)
            elif any(row) and not (has_header and row == start):
                self._read_row(number, row)

    def _read_row(self, number: int, row: list[str]) -> None:
        cells = {name: row[i] for name, i in self.columns.items() if i < len(row)}
        if not cells.get("image"):
            return self._note("annotations-unreadable", f"line {number} names no image")
        image = self._image(cells)
        written = [cells.get(side, "") for side in ("x1", "y1", "x2", "y2")]
        if not any(written):
            return None  # an image without boxes
        try:
            x1, y1, x2, y2 = (float(value) for value in written)
        except ValueError:
            text = f"line {number} has no box of 4 numbers: {', '.join(written)}"
            path = self.builder.images[image].path
            return self._note("annotation-numbers", text, path)
        corners = (x1, y1, x1 + x2, y1 + y2) if self.has_sizes else (x1, y1, x2, y2)
        written_label = cells.get("label", "")
        label = self.builder.label(self.names.get(written_label, written_label))
        crowd = cells.get("isgroupof") == "1"
        return self.builder.box(image, label, corners, number, crowd)

    def _image(self, cells: dict[str, str]) -> int:
        """The index of a row's image."""
        written = cells["image"]
        if written not in self.images:
            split = split_in(cells.get("split", "")) or self.split
            path = self._path(written, split)
            image = Image(
                path=path,
                source=self.path,
                split=split or split_of(path, self.files.root),
                width=pixels(cells.get("width")),
                height=pixels(cells.get("height")),
                written=written,
            )
            self.images[written] = self.builder.image(image)
        return self.images[written]

    def _path(self, written: str, split: str | None) -> Path:
        """An image's path; where none was found, the place where it should be."""
        here = self.files.folder_of(self.path)
        folders = (here, *([split] if split else []), *self.files.near(self.path))
        return self.files.image_or_expected(written, folders)

    def _note(self, rule: str, text: str, image: Path | None = None) -> None:
        self.builder.issue(rule, self.path, text, image)


LAYOUT = Layout(
    name="CSV",
    looks_for="CSV (columns image,x1,y1,x2,y2,label; x,y,width,height; or those of Open Images, …)",
    notation=Notation("corners", "line"),
    find=_find,
    read=_read,
)
