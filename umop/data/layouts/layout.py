"""What a layout is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, DataSet, Image, Notation
from umop.data.files.reading import decoded_text, head, is_latin, parse_json, read_text
from umop.data.files.tree import Files

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What values raise that are of another type than they should be, or that no float holds."""
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
        gives_way: Whether any other layout that finds boxes is read in its place.
    """

    name: str
    looks_for: str
    notation: Notation
    find: Callable[[Files], list[Path]]
    read: Callable[[Files, Sequence[Path], Builder], None]
    gives_way: bool = False

    def data(self, files: Files, found: Sequence[Path]) -> DataSet:
        """Reads a data set.

        Args:
            files: Its files.
            found: Those by which the layout was recognised.
        """
        builder = Builder(files.root)
        self.read(files, found, builder)
        if not all(name.isascii() and name.isprintable() for name in builder.classes):
            for path in found:
                if path.suffix.casefold() != ".xml":  # which says its encoding
                    note_encoding(path, builder.classes, builder)
        return builder.build(self.name, self.notation)


def note_encoding(path: Path, names: Iterable[str], builder: Builder) -> None:
    """Notes a file whose letters may be others than they look, or cannot be the right ones.

    Args:
        path: The file.
        names: The names of classes that it gives.
        builder: Takes the note.
    """
    if decoded_text(path)[1]:
        return
    if odd := next((name for name in names if not is_latin(name)), None):
        text = f"neither UTF-8 nor Latin-1, as which a class is {odd!r}: save it as UTF-8"
        builder.issue("text-encoding-unknown", path, text)
    else:
        builder.issue("text-encoding", path, "read as Latin-1")


def note_other_name(image: Image, written: str, files: Files, builder: Builder) -> None:
    """Notes an annotation that gives the name of another image, which is there too.

    Args:
        image: The image that it is taken for.
        written: The name that it gives.
        files: The files of the data set.
        builder: Takes the note.
    """
    named = files.image(written, (files.folder_of(image.path), *files.near(image.source)))
    if named is not None and named.stem != image.path.stem:
        text = f"it names {files.name(named)}, and is taken for {files.name(image.path)}"
        builder.issue("image-named-otherwise", image.source, text, image.path)


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


@contextmanager
def noting_unreadable(path: Path, form: str, builder: Builder) -> Iterator[None]:
    """Notes an annotation file that has not the structure that the block expects.

    Args:
        path: The file.
        form: What it should be, such as ``CreateML's JSON``.
        builder: Takes the note.
    """
    try:
        yield
    except MALFORMED as error:
        builder.issue("annotations-unreadable", path, f"not {form}: {_reason(error)}")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else repr(error)


def read_json_lines(
    found: Sequence[Path],
    form: str,
    builder: Builder,
    read_entry: Callable[[dict[str, Any], int, Path], None],
) -> None:
    """Reads annotation files that hold a line of JSON for each image.

    Args:
        found: The files.
        form: What a line should be, such as ``a manifest's``.
        builder: Takes a note of each line that is not.
        read_entry: Reads a line, by its content, its number from 1, and its file.
    """
    for path in found:
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            if not line.strip():
                continue
            try:
                read_entry(parse_json(line), number, path)
            except MALFORMED as error:
                text = f"line {number} is not {form}: {_reason(error)}"
                builder.issue("annotations-unreadable", path, text)


def read_lines(
    files: Files,
    found: Sequence[Path],
    builder: Builder,
    read_line: Callable[[str, int, int, Builder], None],
) -> None:
    """Reads text files that belong to an image each, line by line.

    Args:
        files: The files of the data set.
        found: The text files.
        builder: Takes the images.
        read_line: Reads a line that is not empty, by its text, its number from 1, and the index of
            its image.
    """
    pairs = files.pairs(".txt").of_annotation
    for source in found:
        path = files.path(pairs[files.name(source)][0])
        index = builder.image(Image(path, source, files.split_of(source)))
        for number, line in enumerate(read_text(source).splitlines(), start=1):
            if line.strip():
                read_line(line, number, index, builder)
