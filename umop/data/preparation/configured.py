"""Checks the data that a config names itself, whose annotations are read as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.data.check import Report, check
from umop.data.check.images import SIZES
from umop.data.dataset import Builder, DataSet
from umop.data.files.walk import walk
from umop.data.layouts.coco import LAYOUT
from umop.data.layouts.coco.annotations import read_annotation_file
from umop.data.preparation.remembered import Remembered, files_digest
from umop.system.dataset_paths import annotation_file, image_folder
from umop.system.errors import UserError

_SPLITS = ("train", "val")
TOLERATED = 0.001
"""The share of images whose size may differ: data as large as COCO has a few."""


def check_configured(config: Config) -> list[str]:
    """Checks the annotations, and the images' sizes by their headers; no image is decoded.

    What was found is remembered until one of the files changes.

    Returns:
        The warnings, a line each.

    Raises:
        UserError: The data has errors, lacks a class of the config, or the head has another number
            of classes.
    """
    _require_class_count(config)
    sets = {split: config[f"{split}_dataloader"].dataset for split in _SPLITS}
    question = [part for each in sets.values() for part in _state(each)]
    remembered = Remembered("".join(str(annotation_file(each)) for each in sets.values()), question)
    warnings: list[str] | None = remembered.answer()
    if warnings is None:
        report = check(read_sets(sets), decode=False)
        _refuse(report, _missing_classes(sets, report))
        warnings = list(_lines(report, "warning"))
        remembered.keep(warnings)
    return warnings


def _require_class_count(config: Config) -> None:
    """Checks that the head predicts as many classes as the config names.

    Raises:
        UserError: It does not.
    """
    classes = len(config.train_dataloader.dataset.metainfo.classes)
    predicted = config.model.bbox_head.get("num_classes")
    if predicted != classes:
        raise UserError(
            f"The config's model.bbox_head.num_classes is {predicted}, and it names {classes} "
            "classes."
        )


def _state(dataset: Any) -> list[Any]:
    """All that a check of a loader's data set depends on."""
    file, folder = annotation_file(dataset), image_folder(dataset)
    return [
        str(file.resolve()),
        str(folder.resolve()),
        list(dataset.metainfo.classes),
        files_digest(file.parent, [file.name]),
        files_digest(folder, walk(folder)),
    ]


def read_sets(sets: dict[str, Any]) -> DataSet:
    """Reads the annotations of all splits."""
    builder = Builder(Path(sets["train"].data_root))
    for split, dataset in sets.items():
        find_image = _by_file_name(image_folder(dataset))
        read_annotation_file(annotation_file(dataset), split, find_image, builder)
    return builder.build(LAYOUT.name, LAYOUT.notation)


def _by_file_name(folder: Path) -> Callable[[Sequence[str]], Path]:
    """Finds images as mmdet does: by the last of their names, which is that of the file."""
    return lambda names: folder / names[-1]


def _missing_classes(sets: dict[str, Any], report: Report) -> list[str]:
    """The config's classes that its annotations do not have, which mmdet would pass over."""
    wanted = [str(name) for dataset in sets.values() for name in dataset.metainfo.classes]
    return sorted(set(wanted) - set(report.data.classes))


def _refuse(report: Report, missing: list[str]) -> None:
    """Checks that there are no errors.

    Raises:
        UserError: There are; the message has a line for each kind.
    """
    found = list(_lines(report, "error"))
    if missing:
        found.append(
            f"error: class that the annotations do not have: {', '.join(missing[:5])}; they have "
            f"{', '.join(report.data.classes[:5])}"
        )
    if found:
        raise UserError(
            "\n  ".join([f"The config's data, {report.data.root}, cannot be trained on:", *found])
        )


def _lines(report: Report, severity: str) -> Iterator[str]:
    """A line for each kind of finding that has a severity here."""
    for rule, found in report.by_rule():
        is_rare = len(found) <= TOLERATED * len(report.data.images)
        is_tolerated = rule in SIZES and is_rare
        if severity == ("warning" if is_tolerated else rule.severity):
            yield f"{severity}: {rule.title}: {len(found)}, such as {found[0].text}"
