"""A data set in memory: images, boxes and classes, and where each was read."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
_Encoding = Literal["corners", "corner and size", "centre and size"]


@dataclass(frozen=True)
class Notation:
    """How a layout writes boxes.

    Attributes:
        encoding: What the four numbers of a box are.
        place: What holds a box in the annotation file: ``line``, ``object``, ``annotation``.
        relative: Whether the numbers are parts of the image's sides (0–1), not pixels.
        file_per_image: Whether each image has an annotation file of its own, so that the files
            follow one convention together.
    """

    encoding: _Encoding = "corners"
    place: str = "box"
    relative: bool = False
    file_per_image: bool = False


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        path: Its file; where none was found, the place where it should be.
        source: The annotation file that lists it.
        split: One of :data:`SPLITS`; None where no list says.
        width: In pixels, as the annotation says; None where it says nothing.
        height: In pixels.
        written: Its name as the annotation writes it; empty where the name is the file's own.
        number: Its id in the annotation; None where it has none that is a whole number.
        folder: Which of the data's folders it is from, where there are several.
    """

    path: Path
    source: Path
    split: str | None = None
    width: int | None = None
    height: int | None = None
    written: str = ""
    number: int | None = None
    folder: int = 0


@dataclass(frozen=True)
class Boxes:
    """All boxes of a data set, a column for each property.

    Attributes:
        image: Index of the image, int64 of shape (N,).
        label: Index of the class, int64 of shape (N,).
        corners: Float64 of shape (N, 4), xyxy in pixels, as the annotation says.
        place: Line, number or id in the annotation file, object of shape (N,).
        crowd: Whether a box holds a crowd, which COCO's metrics leave out; bool of shape (N,).
        area: In square pixels, float64 of shape (N,); NaN where it is the box's own.
    """

    image: NDArray[np.int64]
    label: NDArray[np.int64]
    corners: NDArray[np.float64]
    place: NDArray[np.object_]
    crowd: NDArray[np.bool_]
    area: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Boxes:
        return Boxes(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Issue:
    """Something in an annotation file that a reader stumbled over.

    Attributes:
        rule: Name of the rule of :mod:`umop.data.check` that it breaks.
        text: Where it is and what is wrong, one line.
        image: The image's file, where there is one.
    """

    rule: str
    text: str
    image: Path | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set as its annotations describe it, right or wrong.

    Attributes:
        root: Its folder.
        layout: The name of its layout.
        classes: Names of the classes, in the order of the labels.
        images: The images.
        boxes: Their boxes.
        notation: How its annotation files write boxes.
        relative: Whether the boxes are parts of the image's sides (0–1) still, not pixels.
        issues: What the reader stumbled over.
        unlisted: Images in the folder that no annotation lists.
        numbers: The id of each class in the annotations; empty where they have none, or several.
    """

    root: Path
    layout: str
    classes: tuple[str, ...]
    images: tuple[Image, ...]
    boxes: Boxes
    notation: Notation = Notation()
    relative: bool = False
    issues: tuple[Issue, ...] = ()
    unlisted: tuple[Path, ...] = ()
    numbers: tuple[int, ...] = ()

    def name(self, path: Path) -> str:
        """A file's path inside the data set, for messages."""
        inside = path.is_relative_to(self.root)
        return path.relative_to(self.root).as_posix() if inside else str(path)

    def where(self, box: int) -> str:
        """Names a box: its annotation file, its place there, and its image."""
        image = self.images[self.boxes.image[box]]
        place = f"{self.name(image.source)}: {self.notation.place} {self.boxes.place[box]}"
        return f"{place} ({self.name(image.path)})"

    def splits(self) -> tuple[str, ...]:
        """The splits that its lists name, in the order of :data:`SPLITS`."""
        named = {image.split for image in self.images}
        return tuple(split for split in SPLITS if split in named)

    def in_split(self, split: str | None) -> NDArray[np.bool_]:
        """Which images are in a split, bool of shape (images,)."""
        return np.array([image.split == split for image in self.images], dtype=np.bool_)

    def boxes_per_image(self) -> NDArray[np.int64]:
        """The number of boxes of each image, int64 of shape (images,)."""
        return np.bincount(self.boxes.image, minlength=len(self.images)).astype(np.int64)

    def with_boxes(self, rows: NDArray[np.bool_]) -> DataSet:
        """The data set with only some of its boxes."""
        return replace(self, boxes=self.boxes[rows])

    def with_images(self, kept: NDArray[np.bool_]) -> DataSet:
        """The data set with only some of its images, and their boxes."""
        boxes = self.boxes[kept[self.boxes.image]]
        number = np.cumsum(kept) - 1
        images = tuple(self.images[i] for i in np.flatnonzero(kept))
        return replace(self, images=images, boxes=replace(boxes, image=number[boxes.image]))


@dataclass
class Builder:
    """Collects what a reader finds.

    Args:
        root: The data set's folder.
        classes: Names of the classes, by label.
        images: The images.
        issues: What the reader stumbled over.
        numbers: The ids under which annotation files know a class, by label.
        notation: How boxes are written, where that differs from what the layout says.
        rows: The boxes.
    """

    root: Path
    classes: list[str] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    numbers: dict[int, set[int]] = field(default_factory=dict)
    notation: Notation | None = None
    rows: list[tuple[int, int, Sequence[float], int | str, bool, float]] = field(
        default_factory=list
    )
    _labels: dict[str, int] = field(default_factory=dict)

    def label(self, name: str) -> int:
        """The index of a class, which is new where it has not been named before.

        Letters that Unicode composes in several ways are composed in one (NFC). Half of a
        surrogate pair, which JSON can hold and no file can, becomes a question mark.
        """
        name = unicodedata.normalize("NFC", name.encode(errors="replace").decode())
        if name not in self._labels:
            self._labels[name] = len(self.classes)
            self.classes.append(name)
        return self._labels[name]

    def image(self, image: Image) -> int:
        """Adds an image; returns its index."""
        self.images.append(image)
        return len(self.images) - 1

    def box(
        self,
        image: int,
        label: int,
        corners: Sequence[float],
        place: int | str,
        crowd: bool = False,
        area: float = np.nan,
    ) -> None:
        """Adds a box, xyxy.

        Args:
            image: Index of the image, as :meth:`image` returns it.
            label: Index of the class, as :meth:`label` returns it.
            corners: In pixels, or in parts of the image's sides where the notation is relative.
            place: Line, number or id in the annotation file.
            crowd: Whether the box holds a crowd.
            area: In square pixels; NaN where it is the box's own.
        """
        self.rows.append((image, label, corners, place, crowd, area))

    def issue(self, rule: str, source: Path, text: str, image: Path | None = None) -> None:
        """Notes what the check will say.

        Args:
            rule: Name of the rule that is broken.
            source: The annotation file.
            text: What is wrong.
            image: The image's file, where there is one.
        """
        name = source.relative_to(self.root) if source.is_relative_to(self.root) else source
        self.issues.append(Issue(rule, f"{name}: {text}", image))

    def issue_of(self, image: int, rule: str, text: str) -> None:
        """Notes what the check will say of an image.

        Args:
            image: Its index, as :meth:`image` returns it.
            rule: Name of the rule that is broken.
            text: What is wrong.
        """
        self.issue(rule, self.images[image].source, text, self.images[image].path)

    def sort_classes(self) -> None:
        """Puts the classes in the alphabet's order, where the annotations give none."""
        order = sorted(range(len(self.classes)), key=lambda label: self.classes[label])
        label = {old: new for new, old in enumerate(order)}
        self.classes = [self.classes[old] for old in order]
        self._labels = {name: i for i, name in enumerate(self.classes)}
        self.rows = [(row[0], label[row[1]], *row[2:]) for row in self.rows]
        self.numbers = {label[old]: numbers for old, numbers in self.numbers.items()}

    def build(self, layout: str, notation: Notation) -> DataSet:
        """Returns the data set.

        Args:
            layout: The name of its layout.
            notation: How that layout writes boxes.
        """
        columns = zip(*self.rows, strict=True) if self.rows else [()] * 6
        image, label, corners, place, crowd, area = columns
        boxes = Boxes(
            image=np.array(image, dtype=np.int64),
            label=np.array(label, dtype=np.int64),
            corners=np.array(corners, dtype=np.float64).reshape(-1, 4),
            place=np.array(place, dtype=np.object_),
            crowd=np.array(crowd, dtype=np.bool_),
            area=np.array(area, dtype=np.float64),
        )
        written = self.notation or notation
        return DataSet(
            root=self.root,
            layout=layout,
            classes=tuple(self.classes),
            images=tuple(self.images),
            boxes=boxes,
            notation=written,
            relative=written.relative,
            issues=tuple(self.issues),
            numbers=self._unambiguous_numbers(),
        )

    def _unambiguous_numbers(self) -> tuple[int, ...]:
        """The id of each class, where each has exactly one that no other class has."""
        known = [self.numbers.get(label, set()) for label in range(len(self.classes))]
        found = [number for each in known for number in each]
        is_clear = all(len(each) == 1 for each in known) and len(set(found)) == len(found)
        return tuple(found) if is_clear else ()
