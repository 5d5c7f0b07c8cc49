"""What a layout is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, DataSet, Notation
from umop.data.layouts.files import Files
from umop.data.layouts.reading import decoded_text, head

_LOOKED_AT = 20
_LINES = 3


@dataclass(frozen=True)
class Layout:
    """A layout of data sets.

    Attributes:
        name: What users call it.
        looks_for: The files by which it is recognised.
        notation: How its files write boxes.
        find: Finds those files by their structure; none where it is another layout.
        read: Reads the images and boxes of those files into a builder.
    """

    name: str
    looks_for: str
    notation: Notation
    find: Callable[[Files], list[Path]]
    read: Callable[[Files, Sequence[Path], Builder], None]

    def data(self, files: Files, found: Sequence[Path]) -> DataSet:
        """Reads a data set.

        Args:
            files: Its files.
            found: Those by which the layout was recognised.
        """
        builder = Builder(files.root)
        self.read(files, found, builder)
        if not all(map(str.isascii, builder.classes)):
            _note_encodings(found, builder)
        return builder.build(self.name, self.notation)


def _note_encodings(found: Sequence[Path], builder: Builder) -> None:
    """Notes the files whose letters may be others than they look; XML says its encoding."""
    for path in found:
        if path.suffix.casefold() != ".xml" and not decoded_text(path)[1]:
            builder.issue("text-encoding", path, "read as Latin-1")


def json_files(is_one: Callable[[Any], bool]) -> Callable[[Files], list[Path]]:
    """Finds the JSON files whose structure is a layout's."""

    def find(files: Files) -> list[Path]:
        return [path for path in files.matching(".json") if is_one(files.outline(path))]

    return find


def xml_files(tag: str) -> Callable[[Files], list[Path]]:
    """Finds the XML files with an outermost element, where there is one at all.

    Those that are no XML belong to them: the layout's reader says what is wrong.
    """

    def find(files: Files) -> list[Path]:
        tags = {path: files.root_tag(path) for path in files.matching(".xml")}
        found = [path for path, name in tags.items() if name in (tag, None)]
        return found if tag in tags.values() else []

    return find


def text_files(is_line: Callable[[str], bool]) -> Callable[[Files], list[Path]]:
    """Finds the text files of images, where the first that are not empty have a layout's lines."""

    def find(files: Files) -> list[Path]:
        found = [files.path(name) for name in sorted(files.pairs(".txt").of_annotation)]
        starts = (head(path).split("\n") for path in found)
        lines = (line.strip() for start in starts for line in start[:_LINES])
        looked_at = list(islice(filter(None, lines), _LOOKED_AT))
        return found if any(map(is_line, looked_at)) else []

    return find
