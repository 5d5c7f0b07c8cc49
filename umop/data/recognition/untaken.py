"""Splits that are not taken, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

from umop.data.dataset import DataSet, Issue
from umop.data.files.names import split_in
from umop.data.files.tree import Files
from umop.data.recognition.mixed import paths_with_boxes
from umop.system.console import counted

_SHOWN = 3


def with_unsaid_splits(data: DataSet, files: Files) -> DataSet:
    """The data set with a word on folders that have words of splits, and are taken for none."""
    if data.splits():
        return data
    folders = {files.folder_of(path) for path in paths_with_boxes(data)}
    said = {_with_split(folder) for folder in folders}
    splits = {split_in(each.rpartition("/")[2]) for each in said}
    if not {"train"} < splits or None in splits:
        return data
    names = ", ".join(sorted(said)[:_SHOWN])
    text = (
        f"{names}: not taken for splits, since folders beside them have no word of one. Rename "
        "them train and val if they are"
    )
    return replace(data, issues=(*data.issues, Issue("list-unused", text)))


def _with_split(folder: str) -> str:
    """A folder or the innermost around it whose name has a split's word; nothing for none."""
    while folder and not split_in(folder.rpartition("/")[2]):
        folder = folder.rpartition("/")[0]
    return folder


def without_unlabelled_test(data: DataSet) -> DataSet:
    """The data set without images for testing, where none has a box and none is for validation.

    Competitions publish such images, which nothing can be measured on.
    """
    if data.splits() != ("train", "test"):
        return data
    is_test = data.in_split("test")
    if is_test[data.boxes.image].any():
        return data
    first = data.images[int(is_test.argmax())].path
    images = counted(int(is_test.sum()), "image")
    text = f"test: {images}, such as {data.name(first)}: not used, since none has a box"
    return replace(data.with_images(~is_test), issues=(*data.issues, Issue("list-unused", text)))
