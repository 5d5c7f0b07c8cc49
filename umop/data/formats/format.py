"""What a format is that data sets are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.dataset import DataSet, Image


@dataclass(frozen=True)
class Labelled:
    """A data set that is to be written.

    Attributes:
        data: The data set: boxes in pixels, each image with its size and its split.
        names: Where each image was copied to, relative to the folder of its format's images.
        scores: How sure a model is of each box, float64 of shape (boxes,); None where a person
            has drawn them.
    """

    data: DataSet
    names: tuple[str, ...]
    scores: NDArray[np.float64] | None = None

    def images(self, split: str | None = None) -> Iterator[tuple[int, Image, str]]:
        """The images of a split, or all: the index, the image and its name."""
        for index, (image, name) in enumerate(zip(self.data.images, self.names, strict=True)):
            if split is None or image.split == split:
                yield index, image, name

    def boxes_of(self, image: int) -> Iterator[tuple[str, list[float], float | None]]:
        """The class, the corners and the score of each box of an image, crowds left out."""
        boxes = self.data.boxes
        for row in self._rows[image]:
            score = None if self.scores is None else float(self.scores[row])
            yield self.data.classes[boxes.label[row]], boxes.corners[row].tolist(), score

    @cached_property
    def _rows(self) -> list[NDArray[np.int64]]:
        """The boxes of each image, by index."""
        single = np.flatnonzero(~self.data.boxes.crowd)
        images = self.data.boxes.image[single]
        order = single[np.argsort(images, kind="stable")]
        ends = np.cumsum(np.bincount(images, minlength=len(self.data.images)))
        return np.split(order, ends[:-1])


@dataclass(frozen=True)
class Format:
    """A format that data sets are written in.

    Attributes:
        name: As the user types it.
        title: What users call it.
        folder: Where the images go, relative to the data set, with ``{split}`` for their split.
        write: Writes the annotations into the folder of the data set.
        keeps_crowds: Whether it can say that a box holds a crowd.
    """

    name: str
    title: str
    folder: str
    write: Callable[[Path, Labelled], None]
    keeps_crowds: bool = False
