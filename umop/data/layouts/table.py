"""CSV: a row for each box, as Open Images, TensorFlow, makesense and many people write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import base, folded, split_in
from umop.data.files.reading import head
from umop.data.files.tree import Files
from umop.data.layouts.columns import Columns, column_of_splits, columns_of, lacks_labels
from umop.data.layouts.layout import Layout
from umop.data.layouts.rows import delimiter_of, first_row, first_rows, rows
from umop.data.layouts.shapes import around, centred, have_size_of_image, pixels
from umop.system.console import counted

_OPEN_IMAGES = {"xmin", "labelname"}
_LOOKED_AT = 20
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
_LONGEST_SHOWN = 60


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
    return columns_of(_start_of(path), _finder(path, files))


def _start_of(path: Path) -> list[list[str]]:
    return list(islice(filter(any, first_rows(path)), _LOOKED_AT))


def _finder(path: Path, files: Files) -> Callable[[str], bool]:
    """Says whether a value of a table names an image of the data set."""
    folders = (files.folder_of(path), *files.near(path))
    return lambda value: files.image(value, folders) is not None


def table_without_labels(files: Files) -> Path | None:
    """A table of boxes that lacks nothing but a column of classes; None where there is none."""
    tables = files.matching(".csv", ".tsv")
    found = (path for path in tables if lacks_labels(_start_of(path), _finder(path, files)))
    return next(found, None)


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
        self.split = files.split_of_list(path)
        self.names_an_image = _finder(path, files)
        self.images: dict[tuple[str, Path], int] = {}
        self.named: dict[tuple[str, str, str | None], tuple[str, Path]] = {}
        self.said: dict[tuple[str, str], str | None] = {}
        self.persons: dict[int, str] = {}
        self.of_others: Counter[int] = Counter()
        self.of_two_splits: dict[int, str] = {}
        self.delimiter = delimiter_of(head(path))

    def read(self) -> None:
        self.start = start = first_row(self.path)
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
        for image, text in self.of_two_splits.items():
            self.builder.issue_of(image, "listed-twice", text)
        for image, count in self.of_others.items():
            name, boxes = self.builder.images[image].written, counted(count, "box")
            text = f"{name}: {boxes} by another person"
            self.builder.issue_of(image, "annotation-unused", text)
        if self.columns.is_size_unclear and have_size_of_image(self.builder.rows[before:]):
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
        if broken := next((name for name in cells if "\n" in cells[name]), None):
            text = f"line {number} has a line break in its {broken}: is a quote missing?"
            return self._note("annotations-unreadable", text)
        if inner := self._row_within(row):
            text = f"line {number} ends quotes with another row in them: is one missing? {inner}"
            return self._note("annotations-unreadable", text)
        image = self._image(cells)
        written = self._written(cells, row)
        person = cells.get("person", "")
        first = self.persons.setdefault(image, person)
        if not any(written):
            return None  # an image without boxes
        if person != first:
            self.of_others[image] += 1
            return None
        try:
            corners = self._corners(written)
        except ValueError:
            text = f"line {number} has no box of 4 numbers: {', '.join(written)[:_LONGEST_SHOWN]}"
            return self.builder.issue_of(image, "annotation-numbers", text)
        written_label = cells.get("label", "")
        label = self.builder.label(self.names.get(written_label, written_label))
        crowd = cells.get("isgroupof") == "1"
        return self.builder.box(image, label, corners, number, crowd)

    def _row_within(self, row: Sequence[str]) -> str | None:
        """A line within quotes that is a row: it has as many values, and names an image."""
        for line in (line for value in row for line in value.splitlines()[1:]):
            values = [value.strip(' "') for value in line.split(self.delimiter)]
            is_whole = len(values) == len(self.start)
            if is_whole and self.names_an_image(values[self.places["image"]]):
                return line[:_LONGEST_SHOWN]
        return None

    def _written(self, cells: Mapping[str, str], row: Sequence[str]) -> list[str]:
        """The numbers of a row's box, or of all corners of its polygon."""
        if "box" in self.places:
            return re.split(r"[,;\s]+", cells.get("box", "").strip("[]() "))
        more = ((*row[x : x + 1], *row[y : y + 1]) for x, y in self.columns.more_corners)
        others = (value for corner in more if any(corner) for value in corner)
        return [*(cells.get(side, "") for side in ("x1", "y1", "x2", "y2")), *others]

    def _corners(self, written: Sequence[str]) -> list[float]:
        """The corners of a box by its four numbers, or those of its corners.

        Raises:
            ValueError: They are not numbers, or not as many.
        """
        if self.delimiter != "," and not _have_thousands(written):
            written = [text.replace(",", ".") for text in written]
        numbers = [float(text) for text in written]
        if self.columns.more_corners:
            return around(list(zip(numbers[0::2], numbers[1::2], strict=True)))
        x1, y1, x2, y2 = numbers
        match self.columns.notation.encoding:
            case "corners":
                return [x1, y1, x2, y2]
            case "corner and size":
                return [x1, y1, x1 + x2, y1 + y2]
            case "centre and size":
                return centred(x1, y1, x2 / 2, y2 / 2)

    def _image(self, cells: dict[str, str]) -> int:
        """The index of a row's image."""
        name = (cells.get("folder", ""), cells["image"])
        split = split_in(cells.get("split", "")) or self.split or self.said.get(name)
        self.said.setdefault(name, split)
        key = (*name, split)
        if key not in self.named:
            self.named[key] = self._named(*key)
        written, path = self.named[key]
        if (written, path) not in self.images:
            image = Image(
                path=path,
                source=self.path,
                split=split or self.files.split_of(path),
                width=pixels(cells.get("width")),
                height=pixels(cells.get("height")),
                written=written,
            )
            self.images[written, path] = self.builder.image(image)
        index = self.images[written, path]
        first = self.builder.images[index].split
        if split and split != first:
            self.of_two_splits[index] = f"{written} is in {first} and {split}: {first} counts"
        return index

    def _named(self, folder: str, name: str, split: str | None) -> tuple[str, Path]:
        """The name that counts and the path of an image, or where it should be.

        Args:
            folder: What its row says, which may be no folder of images here.
            name: Its name without that folder.
            split: Its split.
        """
        here = self.files.folder_of(self.path)
        folders = (here, *([split] if split else []), *self.files.near(self.path))
        found = self.files.image(name, folders)
        folder = folder.replace("\\", "/").strip("/")
        if folded(base(folder)) in self.files.image_folders:
            whole = f"{folder}/{name}"
            of_folder = self.files.image(whole, folders)
            if found is None or of_folder != found:
                return whole, of_folder or found or self.files.image_or_expected(whole, folders)
        return name, found or self.files.image_or_expected(name, folders)

    def _note(self, rule: str, text: str) -> None:
        self.builder.issue(rule, self.path, text)


LAYOUT = Layout(
    name="CSV",
    looks_for="CSV (columns image,x1,y1,x2,y2,label; x,y,width,height; bbox; or Open Images', …)",
    notation=Notation("corners", "line"),
    find=_find,
    read=_read,
)
DOUBTFUL_LAYOUT = replace(LAYOUT, looks_for="", find=_find_doubtful, gives_way=True)
