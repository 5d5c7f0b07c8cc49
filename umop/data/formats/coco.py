"""Plain COCO: ``train.json``, ``train/``, ``val.json``, ``val/``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from umop.data.coco import annotation_entry, image_entry
from umop.data.dataset import DataSet
from umop.data.formats.format import Format, Labelled


def _write(target: Path, labelled: Labelled) -> None:
    for split in labelled.data.splits():
        content = coco_content(labelled.data, split, labelled.names)
        (target / f"{split}.json").write_text(json.dumps(content))


def coco_content(data: DataSet, split: str, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The annotations of one split as COCO's dictionary, with the ids that the data has.

    Args:
        data: The data set, boxes in pixels and every image with its size.
        split: The split.
        names: A file name for each image; by default relative to the data set's folder.
    """
    rows = data.in_split(split)
    boxes = data.boxes[rows[data.boxes.image]]
    ids, categories = image_ids(data, rows), category_ids(data)
    images = []
    for index, number in ids.items():
        image = data.images[index]
        name = names[index] if names else data.name(image.path)
        images.append(image_entry(number, name, image.width or 0, image.height or 0))
    columns = (boxes.image, boxes.label, boxes.corners, boxes.crowd, boxes.area)
    annotations = [
        annotation_entry(number, ids[index], categories[label], corners, crowd, area)
        for number, (index, label, corners, crowd, area) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True), start=1
        )
    ]
    named = [
        {"id": number, "name": name} for number, name in zip(categories, data.classes, strict=True)
    ]
    return {"images": images, "annotations": annotations, "categories": named}


def image_ids(data: DataSet, rows: NDArray[np.bool_]) -> dict[int, int]:
    """The id of each image, by index: the data's own where each of them has one for itself.

    Args:
        data: The data set.
        rows: Which images, such as those of a split; bool of shape (images,).
    """
    indices = rows.nonzero()[0].tolist()
    own = [data.images[index].number for index in indices]
    is_clear = None not in own and len(set(own)) == len(own)
    return {
        index: number if is_clear and number is not None else index + 1
        for index, number in zip(indices, own, strict=True)
    }


def category_ids(data: DataSet) -> list[int]:
    """The id of each class: the data's own, or numbers from 1."""
    return list(data.numbers or range(1, len(data.classes) + 1))


FORMAT = Format("coco", "COCO JSON", "{split}", _write, keeps_crowds=True)
