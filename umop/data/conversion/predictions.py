"""Boxes that a model has found in a data set, to be corrected by a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from umop.data.dataset import Boxes, DataSet
from umop.data.files.reading import read_json
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
        results = list(self._results())
        rows = self._rows(data, {each["image_id"] for each in results})
        images = {number: i for i, number in enumerate(image_ids(data, rows).values())}
        labels = {number: label for label, number in enumerate(category_ids(data))}
        kept = [each for each in results if each["score"] >= self.least]
        try:
            index = [images[each["image_id"]] for each in kept]
            label = [labels[each["category_id"]] for each in kept]
        except KeyError as error:
            raise self._of_other_data(data, f"a class with the id {error}") from error
        part = data.with_images(rows)
        boxes = _boxes(part, index, label, [each["bbox"] for each in kept])
        kept_names = tuple(name for name, row in zip(names, rows, strict=True) if row)
        scores = np.array([each["score"] for each in kept], np.float64)
        return Labelled(replace(part, boxes=boxes), kept_names, scores)

    def _rows(self, data: DataSet, wanted: set[int]) -> NDArray[np.bool_]:
        """The images that were evaluated: those for validation, or all.

        Raises:
            UserError: Neither have the ids of the results.
        """
        everything = np.ones(len(data.images), np.bool_)
        for rows in (data.in_split("val"), everything):
            if wanted <= set(image_ids(data, rows).values()):
                return rows
        unknown = min(map(str, wanted - set(image_ids(data, everything).values())), default="?")
        raise self._of_other_data(data, f"an image with the id {unknown}")

    def _of_other_data(self, data: DataSet, what: str) -> UserError:
        return UserError(f"{self.path} is of other data than {data.root}: it has {what}.")

    def _results(self) -> Iterator[dict[str, Any]]:
        """The results.

        Raises:
            UserError: There are none.
        """
        try:
            content = read_json(self.path)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.path} cannot be read as JSON: {error}.") from error
        keys = {"image_id", "category_id", "bbox", "score"}
        if not isinstance(content, list) or not all(
            isinstance(each, dict) and keys <= each.keys() for each in content
        ):
            raise UserError(f"{self.path} is not COCO results, as umop eval writes them.")
        yield from content


def _boxes(
    data: DataSet, index: Sequence[int], label: Sequence[int], boxes: Sequence[Sequence[float]]
) -> Boxes:
    """Boxes, xywh, as those of a data set, cut to its images.

    Args:
        data: The data set.
        index: The image of each box.
        label: The class of each box.
        boxes: In pixels.
    """
    table = np.array(boxes, np.float64).reshape(-1, 4)
    sides = np.array([(each.width, each.height) for each in data.images], np.float64)
    images = np.array(index, np.int64)
    corners = np.column_stack([table[:, :2], table[:, :2] + table[:, 2:]])
    return Boxes(
        image=images,
        label=np.array(label, np.int64),
        corners=corners.clip(0, np.tile(sides[images], 2)),
        place=np.arange(len(table)).astype(np.object_),
        crowd=np.zeros(len(table), np.bool_),
        area=np.full(len(table), np.nan),
    )
