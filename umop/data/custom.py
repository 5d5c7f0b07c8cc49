"""A data set of the user's own: found by its layout, checked, and given to a config."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.data.checks import Checked, check
from umop.data.coco import as_coco
from umop.data.voc import is_voc, read_voc_split
from umop.errors import UserError

COCO_LAYOUTS = (
    {
        "train": ("annotations/instances_train2017.json", "train2017"),
        "val": ("annotations/instances_val2017.json", "val2017"),
    },
    {"train": ("train.json", "train"), "val": ("val.json", "val")},
    {
        "train": ("train/_annotations.coco.json", "train"),
        "val": ("valid/_annotations.coco.json", "valid"),
    },
)
"""For each layout, the annotation file and the picture folder of each split."""


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes:
        annotations: COCO JSON.
        pictures: Folder in which the file names of the annotations lie.
    """

    annotations: Path
    pictures: Path


@dataclass(frozen=True)
class DataSet:
    """A data set that can be trained on.

    Attributes:
        classes: Names of the classes, in the order of the labels.
        splits: ``train`` and ``val``, or only one of them.
        warnings: What was left out, a line each.
        rewritten: Annotations that had to be converted or cleaned, by the file they go to.
    """

    classes: tuple[str, ...]
    splits: dict[str, Split]
    warnings: tuple[str, ...]
    rewritten: dict[Path, dict[str, Any]]

    def write_annotations(self) -> None:
        """Writes the annotations that are not read from the data set's own files."""
        for path, content in self.rewritten.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))


def read_data(
    root: Path,
    folder: Path,
    splits: Sequence[str] = ("train", "val"),
    classes: Sequence[str] | None = None,
) -> DataSet:
    """Reads a data set in COCO's or Pascal VOC's layout.

    Annotations that are in another format than COCO's, or have defects, are written anew by
    :meth:`DataSet.write_annotations`; nothing is written before.

    Args:
        root: The data set's folder, which is only read.
        folder: Where annotations will be written: ``train.json`` and ``val.json``.
        splits: The parts that are needed.
        classes: The classes that must be found; by default those of the first split.

    Raises:
        UserError: The layout is unknown, pictures or boxes are missing, or the classes differ.
    """
    if not root.is_dir():
        raise UserError(f"The data is not there: {root} does not exist.")
    if is_voc(root):
        contents, pictures = read_voc(root, splits, classes), root / "JPEGImages"
        found = {split: Split(root / "Annotations", pictures) for split in splits}
    else:
        found = find_coco(root, splits)
        contents = {split: read_json(found[split].annotations) for split in splits}
    names = tuple(classes) if classes is not None else None
    warnings: list[str] = []
    rewritten: dict[Path, dict[str, Any]] = {}
    for split, content in contents.items():
        checked = checked_split(content, split, found[split])
        names = same_classes(names, checked.classes, split)
        warnings += checked.warnings
        if checked.changed or is_voc(root):
            found[split] = Split(folder / f"{split}.json", found[split].pictures)
            rewritten[found[split].annotations] = checked.content
    return DataSet(names or (), found, tuple(warnings), rewritten)


def find_coco(root: Path, splits: Sequence[str]) -> dict[str, Split]:
    """Finds the annotations of a data set in one of :data:`COCO_LAYOUTS`.

    Raises:
        UserError: It has none of them.
    """
    for layout in COCO_LAYOUTS:
        found = {split: Split(*(root / part for part in layout[split])) for split in splits}
        if all(split.annotations.is_file() for split in found.values()):
            return found
    known = "; ".join(", ".join(layout[split][0] for split in splits) for layout in COCO_LAYOUTS)
    raise UserError(
        f"{root} is in no layout that is known. It needs COCO JSON ({known}) or Pascal VOC's "
        "folders (Annotations, JPEGImages, ImageSets/Main)."
    )


def read_json(path: Path) -> dict[str, Any]:
    """Reads COCO JSON.

    Raises:
        UserError: It is not.
    """
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not COCO JSON: it holds a {type(content).__name__}.")
    return content


def checked_split(content: dict[str, Any], split: str, found: Split) -> Checked:
    """Checks a split.

    Raises:
        UserError: Something essential is missing, or the content is not COCO's.
    """
    try:
        return check(content, split, found.annotations, found.pictures)
    except (KeyError, TypeError) as error:
        raise UserError(f"{found.annotations} is not COCO JSON: {error!r}.") from error


def read_voc(
    root: Path, splits: Sequence[str], classes: Sequence[str] | None
) -> dict[str, dict[str, Any]]:
    """Reads Pascal VOC's folders as COCO JSON, by default with the classes of all splits."""
    pictures = {split: read_voc_split(root, split) for split in splits}
    if classes is None:
        classes = sorted({name for part in pictures.values() for one in part for name in one.names})
    unknown = sorted(
        {name for part in pictures.values() for one in part for name in one.names} - set(classes)
    )
    if unknown:
        raise UserError(f"{root} has other classes than the model: {', '.join(unknown)}.")
    return {
        split: as_coco([one.labelled(classes) for one in part], classes)
        for split, part in pictures.items()
    }


def same_classes(
    wanted: tuple[str, ...] | None, found: tuple[str, ...], split: str
) -> tuple[str, ...]:
    """Returns the classes that a split must have.

    Raises:
        UserError: It has others.
    """
    if wanted is None:
        return found
    if set(wanted) != set(found):
        differing = ", ".join(sorted(set(wanted) ^ set(found))[:5])
        raise UserError(
            f"The {split} data has other classes than the model learns. Only on one side: "
            f"{differing}."
        )
    return wanted


def use_data(config: Config, data: DataSet) -> None:
    """Makes a config read a data set, and its head predict that data set's classes."""
    loaders = {"train": ["train"], "val": ["val", "test"]}
    for split, paths in data.splits.items():
        for loader in loaders[split]:
            dataset = config[f"{loader}_dataloader"].dataset
            dataset.data_root = ""
            dataset.ann_file = str(paths.annotations)
            dataset.data_prefix.img = str(paths.pictures)
            dataset.metainfo.classes = data.classes
    for loader in ("val", "test"):
        if "val" in data.splits:
            config[f"{loader}_evaluator"].ann_file = str(data.splits["val"].annotations)
    config.model.bbox_head.num_classes = len(data.classes)
