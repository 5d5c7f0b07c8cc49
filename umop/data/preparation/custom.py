"""A data set of the user's own: read in any layout, checked, split, and given to a config."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.data.check import Report
from umop.data.check.categories import with_labels
from umop.data.dataset import DataSet
from umop.data.formats.coco import coco_content
from umop.data.preparation.joining import all_files, check_each, is_split_here, joined_report
from umop.data.preparation.remembered import Remembered, files_digest
from umop.data.preparation.split import with_named, with_splits
from umop.data.preparation.trainable import messages, refuse_errors, require_boxes
from umop.data.recognition import files_of
from umop.system.errors import UserError

SOURCE_FILE = "source.json"
_REMEMBERED = ("classes", "splits", "contents", "is_split_here", "messages", "state")
_LOADERS = {"train": ("train",), "val": ("val", "test")}


@dataclass(frozen=True)
class OwnData:
    """A data set that can be trained on.

    Attributes:
        root: The folder of its images; of several folders, the one that they are all in.
        folders: The folders that it was read from.
        folder: Where its annotations are, or will be.
        classes: Names of the classes, in the order of the labels.
        contents: COCO's dictionary of each split that is to be written; nothing for a run that
            keeps using the annotations that it has.
        is_split_here: Whether the split was made here, not read from a list.
        messages: What was left out, and the warnings, a line each.
        state: Of the files that all this was read from; empty where some are not known.
    """

    root: Path
    folders: tuple[Path, ...]
    folder: Path
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    contents: dict[str, dict[str, Any]]
    is_split_here: bool
    messages: tuple[str, ...]
    state: str

    def annotations(self, split: str) -> Path:
        """The annotation file of a split."""
        return self.folder / f"{split}.json"

    def write_annotations(self) -> None:
        """Writes the annotations, which later starts use."""
        if not self.contents:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for split, content in self.contents.items():
            self.annotations(split).write_text(json.dumps(content))
        source = {
            "root": str(self.root),
            "folders": [str(each) for each in self.folders],
            "classes": self.classes,
            "splits": self.splits,
            "is_split_here": self.is_split_here,
            "messages": self.messages,
            "state": self.state,
        }
        (self.folder / SOURCE_FILE).write_text(json.dumps(source, indent=2) + "\n")


def read_data(
    data: Path | Sequence[Path],
    folder: Path,
    splits: Sequence[str] = ("train", "val"),
    classes: Sequence[str] | None = None,
) -> OwnData:
    """Reads and checks a data set; nothing is written before :meth:`OwnData.write_annotations`.

    A run that has annotations already keeps using them, so that its split stays as it is. What was
    read is remembered until one of the data set's files changes.

    Args:
        data: The data set's folder or zip, which is only read, or several that are joined.
        folder: Where annotations will be written: ``train.json`` and ``val.json``.
        splits: The parts that are needed. Without ``train`` and without a list, all images are
            taken for validation.
        classes: The classes of the model; by default those of the data.

    Raises:
        UserError: The layout is unknown, the data has errors, or other classes than the model.
    """
    paths = [data] if isinstance(data, Path) else list(data)
    files = all_files(paths)
    roots = tuple(each.root.resolve() for each in files)
    state = " ".join(files_digest(each.root, each.names) for each in files)
    kept = _read_kept(folder, roots) if "train" in splits else None
    if kept is not None:
        if kept.state == state:
            return kept
        return _going_on(kept, joined_report(check_each(paths, files)))
    question = [state, *map(str, paths), list(splits), classes and list(classes)]
    remembered = Remembered(" ".join([*map(str, roots), *splits]), question)
    if answer := remembered.answer():
        return _restored(roots, folder, answer)
    source = _Source(paths, roots, state, check_each(paths, files))
    read = _checked(source, folder, splits, classes)
    if read.state:
        remembered.keep({name: getattr(read, name) for name in _REMEMBERED})
    return read


@dataclass(frozen=True)
class _Source:
    """The folders of a data set, as they were read.

    Attributes:
        paths: What the user calls them.
        roots: The folders.
        state: Of their files.
        reports: On each of them.
    """

    paths: Sequence[Path]
    roots: tuple[Path, ...]
    state: str
    reports: Sequence[Report]

    @property
    def is_all_inside(self) -> bool:
        """Whether all images are in the folders, whose state is known."""
        sets = [report.data for report in self.reports]
        return all(image.path.is_relative_to(data.root) for data in sets for image in data.images)


def _checked(
    source: _Source, folder: Path, splits: Sequence[str], classes: Sequence[str] | None
) -> OwnData:
    """Checks and splits a data set that has been read; takes what :func:`read_data` does.

    Raises:
        UserError: The data has errors, or other classes than the model.
    """
    report = joined_report(source.reports)
    refuse_errors(report, source.paths)
    cleaned = report.cleaned
    if classes is not None:
        cleaned = _of_classes(cleaned, classes)
    listed = set(cleaned.splits())
    if "train" in splits:
        cleaned = with_splits(cleaned, report.records)
    elif "val" not in listed:
        cleaned = _all_in_val(cleaned)
    require_boxes(cleaned, splits, listed)
    return OwnData(
        root=_root_of(source.roots),
        folders=source.roots,
        folder=folder,
        classes=cleaned.classes,
        splits=tuple(splits),
        contents={split: coco_content(cleaned, split) for split in splits},
        is_split_here=is_split_here(source.reports),
        messages=messages(report, source.paths),
        state=source.state if source.is_all_inside else "",
    )


def _root_of(roots: Sequence[Path]) -> Path:
    """The folder that all folders are in; a single one itself."""
    return Path(os.path.commonpath(roots))


def _restored(roots: tuple[Path, ...], folder: Path, answer: dict[str, Any]) -> OwnData:
    """A data set as it was remembered."""
    lists = {name: tuple(answer[name]) for name in ("classes", "splits", "messages")}
    return OwnData(root=_root_of(roots), folders=roots, folder=folder, **{**answer, **lists})


def read_from(folder: Path) -> tuple[Path, ...]:
    """The folders that a run's annotations were read from; none where it has none."""
    try:
        source = json.loads((folder / SOURCE_FILE).read_text())
    except (OSError, ValueError):
        return ()
    return tuple(Path(each) for each in source.get("folders", [source["root"]]))


def _read_kept(folder: Path, roots: tuple[Path, ...]) -> OwnData | None:
    """The annotations that a run was started with; None where it has none of this data."""
    if read_from(folder) != roots:
        return None
    source = json.loads((folder / SOURCE_FILE).read_text())
    if not all((folder / f"{split}.json").is_file() for split in source["splits"]):
        return None
    return OwnData(
        root=Path(source["root"]),
        folders=roots,
        folder=folder,
        classes=tuple(source["classes"]),
        splits=tuple(source["splits"]),
        contents={},
        is_split_here=source["is_split_here"],
        messages=(),
        state=source.get("state", ""),
    )


def _going_on(kept: OwnData, report: Report) -> OwnData:
    """Says so where the data has changed since a run was started."""
    before = [json.loads(kept.annotations(split).read_text()) for split in kept.splits]
    data = with_splits(report.cleaned, report.records)
    if _labels(before) == _labels([coco_content(data, split) for split in kept.splits]):
        return kept
    folders = " or ".join(map(str, kept.folders))
    text = (
        f"note: {folders} has changed since this run was started. The run keeps using the "
        "annotations that it was started with; for the data as it is now, give a run another name "
        "with --run."
    )
    return replace(kept, messages=(text,))


def _labels(contents: Sequence[dict[str, Any]]) -> tuple[set[tuple[Any, ...]], Counter[Any]]:
    """The images of COCO's dictionaries with their sizes, and their boxes with their classes."""
    images: set[tuple[Any, ...]] = set()
    boxes: Counter[Any] = Counter()
    for content in contents:
        names = {each["id"]: each["name"] for each in content["categories"]}
        files = {each["id"]: each["file_name"] for each in content["images"]}
        images |= {(each["file_name"], each["width"], each["height"]) for each in content["images"]}
        boxes.update(
            (files[each["image_id"]], names[each["category_id"]], each["iscrowd"], *each["bbox"])
            for each in content["annotations"]
        )
    return images, boxes


def is_kept_split(folder: Path, path: Path) -> bool:
    """Whether a run has split this data itself, and so must be measured on its own part of it."""
    roots = read_from(folder)
    kept = _read_kept(folder, roots) if files_of(path).root.resolve() in roots else None
    return kept is not None and kept.is_split_here


def _all_in_val(data: DataSet) -> DataSet:
    """Takes ``test`` for validation, or all images where no list says."""
    names: dict[str | None, str] = {"test": "val"} if "test" in data.splits() else {None: "val"}
    return with_named(data, names)


def _of_classes(data: DataSet, classes: Sequence[str]) -> DataSet:
    """The data set with a model's classes.

    Raises:
        UserError: It has classes that the model does not have.
    """
    if set(data.classes) - set(classes):
        differing = ", ".join(sorted(set(classes) ^ set(data.classes))[:5])
        raise UserError(
            f"{data.root} has other classes than the model. Only on one side: {differing}."
        )
    labels = {label: list(classes).index(name) for label, name in enumerate(data.classes)}
    return with_labels(data, labels, classes)


def use_data(config: Config, data: OwnData) -> None:
    """Makes a config read a data set, and its head predict that data set's classes.

    Images without boxes are trained on as background.
    """
    for split in data.splits:
        for loader in _LOADERS[split]:
            dataset = config[f"{loader}_dataloader"].dataset
            dataset.data_root = ""
            dataset.ann_file = str(data.annotations(split))
            dataset.data_prefix.img = str(data.root)
            dataset.metainfo.classes = data.classes
    if "train" in data.splits:
        config.train_dataloader.dataset.filter_cfg = {"filter_empty_gt": False, "min_size": 0}
    if "val" in data.splits:
        for loader in ("val", "test"):
            config[f"{loader}_evaluator"].ann_file = str(data.annotations("val"))
    config.model.bbox_head.num_classes = len(data.classes)
