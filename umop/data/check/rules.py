"""What a rule is: it finds what is wrong, and says how that can be put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from umop.data.check.records import Record
from umop.data.dataset import DataSet

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Examined:
    """A data set and what its pictures' files hold.

    Attributes:
        data: The data set.
        records: By picture; None where there is no file.
    """

    data: DataSet
    records: Mapping[Path, Record | None]

    def record(self, picture: int) -> Record | None:
        """What a picture's file holds."""
        return self.records.get(self.data.pictures[picture].path)

    def sizes(self) -> NDArray[np.float64]:
        """Width and height of each box's picture, upright, float64 of shape (boxes, 2)."""
        sizes = np.array(
            [(picture.width or 0, picture.height or 0) for picture in self.data.pictures],
            dtype=np.float64,
        ).reshape(-1, 2)
        return sizes[self.data.boxes.picture]

    def with_data(self, data: DataSet) -> Examined:
        """The same with other data."""
        return replace(self, data=data)


@dataclass(frozen=True)
class Hit:
    """One place where a rule is broken.

    Attributes:
        text: Where, and what is wrong; one line.
        picture: Index of the picture, where there is one.
        box: Index of the box, where there is one.
        path: The picture's file, where it has no index.
    """

    text: str
    picture: int | None = None
    box: int | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Rule:
    """A kind of defect.

    Attributes:
        name: Its name.
        severity: An error is refused for training, a warning is not.
        title: What is wrong, for the table.
        find: Finds all places.
        repair: Puts them right; None where only a person can.
        done: What the repair does, such as ``left out``.
        automatic: Whether training repairs by itself, or only ``--fix``.
    """

    name: str
    severity: Severity
    title: str
    find: Callable[[Examined], Iterable[Hit]]
    repair: Callable[[Examined, Sequence[Hit]], Examined] | None = None
    done: str = ""
    automatic: bool = True


def box_hits(
    examined: Examined, mask: NDArray[np.bool_] | np.bool_, text: Callable[[int], str]
) -> Iterator[Hit]:
    """A hit for each box of a mask, bool of shape (boxes,)."""
    for box in np.flatnonzero(mask).tolist():
        where = examined.data.where(box)
        yield Hit(f"{where}: {text(box)}", int(examined.data.boxes.picture[box]), box)


def leave(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Does nothing more: the reader has left it out."""
    del hits
    return examined


def drop_boxes(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Leaves the boxes out."""
    kept = np.ones(len(examined.data.boxes), np.bool_)
    kept[[hit.box for hit in hits if hit.box is not None]] = False
    return examined.with_data(examined.data.with_boxes(kept))


def drop_pictures(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Leaves the pictures and their boxes out."""
    kept = np.ones(len(examined.data.pictures), np.bool_)
    kept[[hit.picture for hit in hits if hit.picture is not None]] = False
    return examined.with_data(examined.data.with_pictures(kept))


def with_corners(
    examined: Examined, corners: NDArray[np.float64], relative: bool | None = None
) -> Examined:
    """The data set with other corners, float64 of shape (boxes, 4)."""
    data = examined.data
    boxes = replace(data.boxes, corners=corners)
    is_relative = data.relative if relative is None else relative
    return examined.with_data(replace(data, boxes=boxes, relative=is_relative))


def rows_of(hits: Sequence[Hit]) -> NDArray[np.int64]:
    """The boxes of hits, int64."""
    return np.array([hit.box for hit in hits if hit.box is not None], dtype=np.int64)
