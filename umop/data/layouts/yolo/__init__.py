"""YOLO: a text file for each image, a line for each box, in parts of the image's sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import base, stem
from umop.data.files.reading import head, is_file, read_text
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout
from umop.data.layouts.yolo.choice import chosen
from umop.data.layouts.yolo.classes import CLASS_FILES, Classes
from umop.data.layouts.yolo.description import Description, broken_descriptions, descriptions
from umop.data.layouts.yolo.lines import (
    corners,
    has_confidence,
    have_confidence_first,
    have_tracks,
    lack_confidence,
    unnamed_keypoints,
)
from umop.data.layouts.yolo.listing import Listing
from umop.system.console import counted

_BOX_VALUES = 5
_TRACK_VALUES = 2
_LOOKED_AT = 20
_OTHER_NUMBER = (
    "no confidence from 0 to 1 behind its box; an angle, a percentage or a track? Write the box's "
    "four corners for an angle, or leave the number out"
)


class _Line(NamedTuple):
    """A line of a label file: its image, where it stands, and what it says."""

    image: int
    source: Path
    number: int
    values: list[str]
    numbers: list[float]


def _find(files: Files) -> list[Path]:
    """The file that describes the data, or else the label files."""
    return descriptions(files) or _label_files(files)


def _label_files(files: Files) -> list[Path]:
    """The text files that stand for an image, where some of the first are such."""
    paired = sorted(files.pairs(".txt").of_annotation)
    found = [files.path(name) for name in paired if base(name) not in CLASS_FILES]
    unpaired = [path for path in files.matching(".txt") if "labels" in path.parts]
    found = found or [path for path in unpaired if path.name not in CLASS_FILES]
    texts = [head(path) for path in found[:_LOOKED_AT]]
    is_other = any(texts) and not any(map(_is_label, texts))
    return [] if is_other else found


def _has_boxes(path: Path) -> bool:
    return _is_label(head(path))


def _is_label(text: str) -> bool:
    """Whether the first line is a class with numbers."""
    values = text.partition("\n")[0].split()
    try:
        return len([float(value) for value in values]) >= _BOX_VALUES
    except ValueError:
        return False


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads the images, each with its label file; one without is an image without boxes."""
    paths = [path for path in found if path.suffix.casefold() != ".txt"]
    _Reader(files, chosen(paths, files, builder), builder).read()


class _Reader:
    """Reads one data set.

    Args:
        files: Its files.
        description: What describes it.
        builder: Takes what is found.
    """

    def __init__(self, files: Files, description: Description, builder: Builder) -> None:
        self.files = files
        self.builder = builder
        self.description = description
        self.pairs = files.pairs(".txt")
        self.classes = Classes(description, files, builder)

    def read(self) -> None:
        if self.description.path is None:
            for path, text in broken_descriptions(self.files):
                self.builder.issue("annotations-unreadable", path, text)
        self.classes.declare()
        images = Listing(self.files, self.description, self.builder).images()
        lines: Sequence[_Line] = [
            line for path, split in images for line in self._lines_of(path, split)
        ]
        values = self._keypoint_values(lines)
        if not values:
            lines = self._with_plain_boxes(lines)
        for line in lines:
            self._read_line(line, values)
        if self.classes.names is None:
            self.builder.sort_classes()
        self._note_shared_labels()
        self._note_unlisted()
        self._refuse_unused_labels()

    def _note_shared_labels(self) -> None:
        """Notes label files of several images, which differ by their suffix only."""
        for name, images in self.pairs.of_annotation.items():
            if len(images) > 1:
                text = f"{' and '.join(images)} both have it"
                self.builder.issue("labels-shared", self.files.path(name), text)

    def _note_unlisted(self) -> None:
        """Notes images with labels that are in none of the folders and lists."""
        listed = {self.files.name(image.path) for image in self.builder.images}
        labelled = ((image, self.files.path(name)) for image, name in self.pairs.of_image.items())
        rest = [image for image, path in labelled if image not in listed and _has_boxes(path)]
        if rest:
            text = f"{counted(len(rest), 'image')} with labels, such as {min(rest)}"
            self._note("images-in-no-list", text)

    def _refuse_unused_labels(self) -> None:
        """Notes label files that no image takes."""
        used = set(self.pairs.of_image.values())
        sources = {image.source for image in self.builder.images}
        for path in self.files.matching(".txt"):
            if self.files.name(path) in used or path in sources or path.name in CLASS_FILES:
                continue
            if _has_boxes(path):
                self._refuse_unused_label(path)

    def _refuse_unused_label(self, path: Path) -> None:
        stems = self.files.by_stem
        images = stems.get(stem(base(path.name))) or stems.get(base(path.name)) or ()
        if not images:
            self.builder.issue("box-of-no-image", path, "there is no image of this name")
        elif all(image in self.pairs.of_image for image in images):
            text = f"{images[0]} has {self.pairs.of_image[images[0]]}"
            self.builder.issue("labels-unused", path, text)
        else:
            shown = " and ".join(image for image in images if image not in self.pairs.of_image)
            text = f"it is not clear whether it is of {shown}, whose folder is another"
            self.builder.issue("box-of-no-image", path, text)

    def _keypoint_values(self, lines: Sequence[_Line]) -> int:
        """How many numbers of a line are keypoints."""
        match self.description.content.get("kpt_shape"):
            case None:
                return self._unnamed_keypoint_values(lines)
            case [int(points), int(values)]:
                return points * values
            case other:
                text = f"kpt_shape is {other!r}, not two numbers such as [17, 3]"
                self._note("annotations-unreadable", text)
                return 0

    def _unnamed_keypoint_values(self, lines: Sequence[_Line]) -> int:
        numbers = [line.numbers for line in lines if line.numbers]
        if have_tracks(numbers):
            self._note("tracks-unused", "behind each box stand a confidence and a track's number")
            return _TRACK_VALUES
        shape = unnamed_keypoints(numbers)
        if shape is None:
            return 0
        text = (
            f"behind each box stand {shape[0] * shape[1]} numbers, which look like keypoints: say "
            f"so in data.yaml, with kpt_shape: [{shape[0]}, {shape[1]}]"
        )
        self._note("keypoints-unnamed", text)
        return shape[0] * shape[1]

    def _with_plain_boxes(self, lines: Sequence[_Line]) -> Sequence[_Line]:
        """The lines without those whose five numbers are no box and a confidence."""
        of_five = [line for line in lines if len(line.numbers) == _BOX_VALUES]
        numbers = [line.numbers for line in of_five]
        if lack_confidence(numbers):
            return self._without(of_five, lines, _OTHER_NUMBER)
        if have_confidence_first(numbers):
            what = "a confidence before its box, as it seems: move it behind, or leave it out"
            return self._without(of_five, lines, what)
        if of_five:
            text = "where it is an angle, write the box's four corners"
            self._note("confidences-unused", f"{counted(len(of_five), 'line')}: {text}")
        odd = [line for line in of_five if not has_confidence(line.numbers)]
        return self._without(odd, lines, "no confidence from 0 to 1 behind its box: leave it out")

    def _without(self, some: Sequence[_Line], lines: Sequence[_Line], what: str) -> list[_Line]:
        """The lines without some, which are noted."""
        for line in some:
            text = f"line {line.number} has {what}: {' '.join(line.values)[:60]}"
            self.builder.issue_of(line.image, "annotation-numbers", text)
        left_out = {(line.image, line.number) for line in some}
        return [line for line in lines if (line.image, line.number) not in left_out]

    def _lines_of(self, path: Path, split: str | None) -> Iterator[_Line]:
        """Adds an image; gives the lines of its label file."""
        source = self._labels_of(path)
        index = self.builder.image(Image(path, source, split))
        if not is_file(source):
            return
        for number, line in enumerate(read_text(source).splitlines(), start=1):
            if values := line.split():
                yield _Line(index, source, number, values, _numbers(values[1:]))

    def _labels_of(self, path: Path) -> Path:
        """The label file of an image, which need not be there."""
        name = self.files.name(path)
        if found := self.pairs.of_image.get(name):
            return self.files.path(found)
        before, is_below, after = str(path).rpartition("/images/")
        parallel = Path(f"{before}/labels/{after}").with_suffix(".txt")
        is_outside = not path.is_relative_to(self.files.root)
        if is_below and is_outside and is_file(parallel):
            return parallel
        return path.with_suffix(".txt")

    def _read_line(self, line: _Line, keypoint_values: int) -> None:
        label = self.classes.label(line.values[0])
        path = self.builder.images[line.image].path
        if label is None:
            known = self.classes.known()
            text = f"line {line.number}: class {line.values[0]}, where the classes are {known}"
            self.builder.issue("category-unknown", line.source, text, path)
        elif found := corners(line.numbers, keypoint_values):
            self.builder.box(line.image, label, found, line.number)
        else:
            meant = f"{4 + keypoint_values} as kpt_shape says" if keypoint_values else "a polygon"
            text = (
                f"line {line.number} is not a class with 4 numbers or {meant}: "
                f"{' '.join(line.values)[:60]}"
            )
            self.builder.issue("annotation-numbers", line.source, text, path)

    def _note(self, rule: str, text: str) -> None:
        self.builder.issue(rule, self.description.path or self.files.root, text)


def _numbers(values: Sequence[str]) -> list[float]:
    """The numbers of a line; none where one of them is not a number."""
    try:
        return [float(value) for value in values]
    except ValueError:
        return []


LAYOUT = Layout(
    name="YOLO",
    looks_for="YOLO (a data.yaml, or images with labels/*.txt)",
    notation=Notation("centre and size", "line", relative=True, file_per_image=True),
    find=_find,
    read=_read,
)
