"""A data set beside what its images' files hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.check.records import Record
from umop.data.dataset import DataSet


@dataclass(frozen=True)
class Examined:
    """A data set and what its images' files hold.

    Attributes:
        data: The data set.
        records: By image; None where there is no file.
    """

    data: DataSet
    records: Mapping[Path, Record | None]

    def record(self, image: int) -> Record | None:
        """What an image's file holds."""
        return self.records.get(self.data.images[image].path)

    def sizes(self) -> NDArray[np.float64]:
        """Width and height of each box's image as the data set has them, 0 where it has none.

        Upright once the rules about sizes have run. Float64 of shape (boxes, 2).
        """
        sizes = np.array(
            [(image.width or 0, image.height or 0) for image in self.data.images],
            dtype=np.float64,
        ).reshape(-1, 2)
        return sizes[self.data.boxes.image]

    def sources(self) -> NDArray[np.int64]:
        """The number of each image's annotation file, int64 of shape (images,).

        Files of one image each follow one convention together, and have one number.
        """
        images = self.data.images
        if self.data.notation.file_per_image:
            return np.zeros(len(images), np.int64)
        number = {source: i for i, source in enumerate(sorted({each.source for each in images}))}
        return np.array([number[each.source] for each in images], np.int64)

    def with_data(self, data: DataSet) -> Examined:
        """The same with other data."""
        return replace(self, data=data)
