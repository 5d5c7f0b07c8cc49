"""CSV: a row for each box, as Open Images, TensorFlow, makesense and many people write them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import split_in, split_of, split_of_list
from umop.data.files.reading import head, read_text
from umop.data.files.tree import Files
from umop.data.layouts.columns import Columns, column_of_splits, columns_of
from umop.data.layouts.layout import Layout
from umop.data.layouts.shapes import centred, pixels

_LONGEST_VALUE = 2**31 - 1
"""Tables may hold masks as well, which are longer than Python's csv takes unless told."""
_OPEN_IMAGES = {"xmin", "labelname"}
_LOOKED_AT = 20
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
_LONGEST_SHOWN = 60
_FEWEST_OF_ONE_SIZE = 3
"""Boxes of one size in an image, beside its first, that are no chance."""


def _find(files: Files) -> list[Path]:
    """The files that are tables of labels."""
    return [path for path, columns in _tables(files) if not columns.is_doubtful]


def _find_doubtful(files: Files) -> list[Path]:
    """The files that may be tables of labels."""
    return [path for path, columns in _tables(files) if columns.is_doubtful]


def _tables(files: Files) -> Iterator[tuple[Path, Columns]]:
    for path in files.matching(".csv", ".tsv"):
        if columns := _columns(path, files):
            yield path, columns


def _columns(path: Path, files: Files) -> Columns | None:
    """The columns of a table, by its first rows."""
    folders = (files.folder_of(path), *files.near(path))
    return columns_of(
        list(islice(filter(any, first_rows(path)), _LOOKED_AT)),
        lambda value: files.image(value, folders) is not None,
    )


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
    delimiter = _delimiter(text)
    for line in text.splitlines():
        row = next(csv.reader([line], delimiter=delimiter), [])
        yield [value.strip() for value in row]


def _delimiter(text: str) -> str:
    start = text.partition("\n")[0]
    return max(",;\t", key=start.count)


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all tables. Open Images' coordinates are parts of the sides."""
    names = _class_descriptions(files)
    notations = set[Notation]()
    for path in found:
        if columns := _columns(path, files):
            notations.add(columns.notation)
            _Table(path, columns, files, builder, names).read()
    builder.sort_classes()
    largest = max((max(row[2]) for row in builder.rows), default=0.0)
    headers = [{value.casefold() for value in first_row(path)} for path in found]
    if largest <= 1 and any(header >= _OPEN_IMAGES for header in headers):
        builder.notation = replace(LAYOUT.notation, relative=True)
    elif len(notations) == 1:
        builder.notation = notations.pop()


def _class_descriptions(files: Files) -> dict[str, str]:
    """Open Images' names of its classes, by their id."""
    tables = [path for path in files.matching(".csv") if "class-descriptions" in path.name]
    return {row[0]: row[1] for path in tables for row in rows(path) if len(row) == 2}


def _have_size_of_image(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether boxes with sizes have their images' instead of their own.

    Then all of an image have one size, at different places, and begin within it.
    """
    first: dict[int, Sequence[float]] = {}
    others = 0
    for image, _, corners, *_ in rows:
        x1, y1, x2, y2 = first.setdefault(image, corners)
        width, height = corners[2] - corners[0], corners[3] - corners[1]
        is_of_one_size = math.isclose(width, x2 - x1) and math.isclose(height, y2 - y1)
        if not is_of_one_size or corners[0] > width or corners[1] > height:
            return False
        others += tuple(corners[:2]) != (x1, y1)
    return others >= _FEWEST_OF_ONE_SIZE


def _have_thousands(texts: Sequence[str]) -> bool:
    """Whether commas may stand between thousands in numbers, not before their decimals."""
    with_commas = [text for text in texts if "," in text]
    return bool(with_commas) and all(map(_THOUSANDS.fullmatch, with_commas))


class _Table:
    """One table.

    Args:
        path: The file.
        columns: Its columns.
        files: The files of the data set.
        builder: Takes what is found.
        names: Names of classes that the table gives by their id.
    """

    def __init__(
        self, path: Path, columns: Columns, files: Files, builder: Builder, names: dict[str, str]
    ) -> None:
        self.path = path
        self.columns = columns
        self.files = files
        self.builder = builder
        self.names = names
        self.split = split_of_list(path, files.root)
        self.images: dict[str, int] = {}
        self.has_decimal_commas = _delimiter(head(path)) != ","

    def read(self) -> None:
        start = first_row(self.path)
        before = len(self.builder.rows)
        self.places = self._all_places(start)
        for number, row in enumerate(rows(self.path), start=1):
            if self.columns.has_header and any(row[len(start) :]):
                text = (
                    f"line {number} has more values than the first line has names ({len(start)}): "
                    "write decimal points, and commas within quotes"
                )
                self._note("annotations-unreadable", text)
            elif any(row) and not (self.columns.has_header and row == start):
                self._read_row(number, row)
        if self.columns.is_size_unclear and _have_size_of_image(self.builder.rows[before:]):
            del self.builder.rows[before:]
            text = (
                "the width and height are the same for all boxes of an image, as if they were the "
                "image's own: call those of the boxes bbox_width and bbox_height"
            )
            self._note("annotations-unreadable", text)

    def _all_places(self, header: Sequence[str]) -> Mapping[str, int]:
        """Where the columns are, with one that holds splits under another name."""
        places = self.columns.places
        if not self.columns.has_header or "split" in places:
            return places
        below = (row for row in rows(self.path) if any(row) and row != header)
        found = column_of_splits(self.columns, below)
        return places if found is None else {**places, "split": found}

    def _read_row(self, number: int, row: list[str]) -> None:
        cells = {name: row[i] for name, i in self.places.items() if i < len(row)}
        if not cells.get("image"):
            return self._note("annotations-unreadable", f"line {number} names no image")
        image = self._image(cells)
        written = [cells.get(side, "") for side in ("x1", "y1", "x2", "y2")]
        if "box" in self.places:
            written = re.split(r"[,;\s]+", cells.get("box", "").strip("[]() "))
        if not any(written):
            return None  # an image without boxes
        try:
            corners = self._corners(written)
        except ValueError:
            text = f"line {number} has no box of 4 numbers: {', '.join(written)[:_LONGEST_SHOWN]}"
            path = self.builder.images[image].path
            return self._note("annotation-numbers", text, path)
        written_label = cells.get("label", "")
        label = self.builder.label(self.names.get(written_label, written_label))
        crowd = cells.get("isgroupof") == "1"
        return self.builder.box(image, label, corners, number, crowd)

    def _corners(self, written: Sequence[str]) -> list[float]:
        """The corners of a box by its four numbers.

        Raises:
            ValueError: They are not numbers, or not four.
        """
        if self.has_decimal_commas and not _have_thousands(written):
            written = [text.replace(",", ".") for text in written]
        x1, y1, x2, y2 = map(float, written)
        match self.columns.notation.encoding:
            case "corners":
                return [x1, y1, x2, y2]
            case "corner and size":
                return [x1, y1, x1 + x2, y1 + y2]
            case "centre and size":
                return centred(x1, y1, x2 / 2, y2 / 2)

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
    looks_for="CSV (columns image,x1,y1,x2,y2,label; x,y,width,height; bbox; or Open Images', …)",
    notation=Notation("corners", "line"),
    find=_find,
    read=_read,
)
DOUBTFUL_LAYOUT = replace(LAYOUT, looks_for="", find=_find_doubtful, gives_way=True)
