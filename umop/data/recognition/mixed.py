"""Images whose boxes are in another layout than those of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from umop.data.dataset import DataSet, Issue
from umop.data.files.reading import is_file
from umop.system.console import counted


def paths_with_boxes(data: DataSet) -> set[Path]:
    """The images that have boxes, each once however many files list it."""
    return {data.images[index].path for index in np.unique(data.boxes.image)}


def without_labelled_otherwise(data: DataSet, others: Iterable[DataSet]) -> DataSet:
    """The data set without images that have boxes in another layout only: they are no background.

    Those that have an annotation file of their own, without boxes, are, and are noted. Crowds,
    which not all layouts can say, are no boxes here.

    Args:
        data: The data set that is read.
        others: The same files, read in other layouts.
    """
    empty = {image.path for image in data.images} - paths_with_boxes(data)
    said = _said_to_be_empty(data) & empty
    issues = []
    left_out = set[Path]()
    for other in others:
        labelled = empty & paths_with_boxes(other.with_boxes(~other.boxes.crowd))
        if found := sorted(labelled & said):
            text = f"{_text(data, other, found)}. Their own files say that there is none"
            issues.append(Issue("background-labelled", text, found[0]))
        if found := sorted(labelled - said):
            more = "Write all in one layout, or remove the others' files"
            issues.append(Issue("layout-mixed", f"{_text(data, other, found)}. {more}", found[0]))
            left_out.update(found)
    if not issues:
        return data
    kept = np.array([image.path not in left_out for image in data.images], np.bool_)
    return replace(data.with_images(kept), issues=(*data.issues, *issues))


def _said_to_be_empty(data: DataSet) -> set[Path]:
    """The images that have an annotation file of their own."""
    if not data.notation.file_per_image:
        return set()
    return {image.path for image in data.images if is_file(image.source)}


def _text(data: DataSet, other: DataSet, found: Sequence[Path]) -> str:
    return (
        f"{other.layout}: boxes of {counted(len(found), 'image')} that {data.layout} has "
        f"none of, such as {data.name(found[0])}"
    )
