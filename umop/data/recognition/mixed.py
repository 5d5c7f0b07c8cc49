"""Images whose boxes are in another layout than those of the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from umop.data.dataset import DataSet, Issue
from umop.system.console import counted


def paths_with_boxes(data: DataSet) -> set[Path]:
    """The images that have boxes, each once however many files list it."""
    return {data.images[index].path for index in np.unique(data.boxes.image)}


def without_labelled_otherwise(data: DataSet, others: Iterable[DataSet]) -> DataSet:
    """The data set without images that have boxes in another layout only: they are no background.

    Args:
        data: The data set that is read.
        others: The same files, read in other layouts.
    """
    empty = {image.path for image in data.images} - paths_with_boxes(data)
    issues = []
    left_out = set[Path]()
    for other in others:
        if found := sorted(empty & paths_with_boxes(other)):
            text = (
                f"{other.layout}: boxes of {counted(len(found), 'image')} that {data.layout} has "
                f"none of, such as {data.name(found[0])}. Write all in one layout, or remove the "
                "others' files"
            )
            issues.append(Issue("layout-mixed", text, found[0]))
            left_out.update(found)
    if not left_out:
        return data
    kept = np.array([image.path not in left_out for image in data.images], np.bool_)
    return replace(data.with_images(kept), issues=(*data.issues, *issues))
