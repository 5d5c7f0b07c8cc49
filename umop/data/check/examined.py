"""A data set beside what its pictures' files hold."""

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
