"""Boxes that a model has found in a data set, to be corrected by a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from umop.data.dataset import Boxes, DataSet
from umop.data.formats import Labelled
from umop.data.formats.coco import category_ids, image_ids
from umop.system.errors import UserError


@dataclass(frozen=True)
class Predictions:
    """What ``umop eval`` has found in a data set.

    Attributes:
        path: Its ``detections.json``, COCO results.
        least: The lowest score of those that are taken.
    """

    path: Path
    least: float

    def of(self, data: DataSet, names: tuple[str, ...]) -> Labelled:
        """The images in which boxes were looked for, with these boxes in place of their own.

        Args:
            data: The data set, split as it was for the evaluation.
            names: The names of its images.

        Raises:
            UserError: The file holds something else, or is of other data.
        """
        found = [each for each in self._results() if each["score"] >= self.least]
        split = "val" if "val" in data.splits() else "train"
        images = {number: index for index, number in image_ids(data, split).items()}
        labels = {number: label for label, number in enumerate(category_ids(data))}
        try:
            rows = [
                (images[each["image_id"]], labels[each["category_id"]], *each["bbox"])
                for each in found
            ]
        except KeyError as error:
            raise UserError(
                f"{self.path} is of other data than {data.root}: it has an image or a class with "
                f"the id {error}."
            ) from error
        table = np.array(rows, np.float64).reshape(-1, 6)
        sides = np.array([(each.width, each.height) for each in data.images], np.float64)
        index = table[:, 0].astype(np.int64)
        corners = np.column_stack([table[:, 2:4], table[:, 2:4] + table[:, 4:6]])
        boxes = Boxes(
            image=index,
            label=table[:, 1].astype(np.int64),
            corners=corners.clip(0, np.tile(sides[index], 2)),
            place=np.arange(len(table)).astype(np.object_),
            crowd=np.zeros(len(table), np.bool_),
            area=np.full(len(table), np.nan),
        )
        return Labelled(
            replace(data, boxes=boxes), names, np.array([each["score"] for each in found])
        )

    def _results(self) -> Iterator[dict[str, Any]]:
        """The results.

        Raises:
            UserError: There are none.
        """
        try:
            content = json.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"{self.path} cannot be read as JSON: {error}.") from error
        keys = {"image_id", "category_id", "bbox", "score"}
        if not isinstance(content, list) or not all(
            isinstance(each, dict) and keys <= each.keys() for each in content
        ):
            raise UserError(f"{self.path} is not COCO results, as umop eval writes them.")
        yield from content
