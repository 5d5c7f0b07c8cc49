"""Writes a data set as plain COCO: ``train.json``, ``train/``, ``val.json``, ``val/``."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from umop.data.check import Report, check
from umop.data.coco import annotation_entry, image_entry
from umop.data.dataset import DataSet
from umop.data.layouts import open_data
from umop.data.split import with_splits
from umop.system.errors import UserError

FIXES = "fixes.txt"


def convert(source: Path, target: Path) -> DataSet:
    """Writes a data set of any layout as plain COCO; the original is only read.

    Args:
        source: The data set, a folder or a zip.
        target: A new folder.

    Raises:
        UserError: The data has errors, or the folder is not empty.
    """
    require_new(target)
    report = check(open_data(source))
    if errors := report.of("error"):
        raise UserError(
            f"{source} has {len(errors)} errors, such as {errors[0].text}. See all: umop data "
            f"check {source}. To write what can be repaired: umop data check {source} --fix "
            f"{target}"
        )
    return write(report, target)


def write_fixed(report: Report, target: Path) -> Path:
    """Writes a cleaned copy, and the list of what was done.

    Raises:
        UserError: Nothing is left, or the folder is not empty.

    Returns:
        The list.
    """
    require_new(target)
    if not len(report.cleaned.boxes):
        raise UserError(f"{report.data.root} has no box that could be kept; nothing was written.")
    write(report, target)
    lines = [
        f"{each.rule}: {each.text}: {each.repaired or 'left as it is'}\n"
        for each in report.findings
        if each.severity != "note"
    ]
    (target / FIXES).write_text("".join(lines))
    return target / FIXES


def require_new(target: Path) -> None:
    """Checks that a folder is not there, or empty.

    Raises:
        UserError: It holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target} is there already. Name a new folder.")


def write(report: Report, target: Path) -> DataSet:
    """Copies the images and writes the annotations of what a check has left."""
    data = with_splits(report.cleaned, report.records)
    names = file_names(data)
    try:
        for path, image in track(
            list(zip(names, data.images, strict=True)), "copying", console=Console(stderr=True)
        ):
            copy = target / str(image.split) / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image.path, copy)
        for split in data.splits():
            content = coco_content(data, split, names)
            (target / f"{split}.json").write_text(json.dumps(content))
    except OSError as error:
        name = error.filename or target
        raise UserError(f"{name} cannot be written: {error.strerror}.") from error
    return replace(data, root=target, layout="COCO JSON")


def file_names(data: DataSet) -> list[str]:
    """A name for each image: that of its file, with its folders where two have the same."""
    count = Counter((image.split, image.path.name.casefold()) for image in data.images)
    return [
        image.path.name
        if count[image.split, image.path.name.casefold()] == 1
        else data.name(image.path).strip("/")
        for image in data.images
    ]


def coco_content(data: DataSet, split: str, names: list[str] | None = None) -> dict[str, object]:
    """The annotations of one split as COCO's dictionary.

    Args:
        data: The data set, boxes in pixels and every image with its size.
        split: The split.
        names: A file name for each image; by default relative to the data set's folder.
    """
    rows = data.in_split(split)
    boxes = data.boxes[rows[data.boxes.image]]
    images = []
    for index in rows.nonzero()[0].tolist():
        image = data.images[index]
        name = names[index] if names else data.name(image.path)
        images.append(image_entry(index + 1, name, image.width or 0, image.height or 0))
    columns = (boxes.image, boxes.label, boxes.corners, boxes.crowd, boxes.area)
    annotations = [
        annotation_entry(number, index + 1, label, corners, crowd, area)
        for number, (index, label, corners, crowd, area) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True), start=1
        )
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(data.classes, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}
