"""Recognises which layout a data set is in, and reads it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from umop.data.dataset import DataSet, Issue
from umop.data.files.archive import ARCHIVE_SUFFIXES, unpacked
from umop.data.files.found import with_images_found_by_name, without_doubtful_images
from umop.data.files.lists import with_listed_splits
from umop.data.files.names import SYSTEM_FOLDERS
from umop.data.files.reading import read_text, refuse_folder
from umop.data.files.tree import Files
from umop.data.layouts import (
    automl,
    coco,
    createml,
    cvat,
    dota,
    hugging_face,
    kitti,
    label_studio,
    labelme,
    manifest,
    supervisely,
    table,
    via,
    visdrone,
    voc,
    wider_face,
    yolo,
)
from umop.data.layouts.layout import Layout
from umop.data.recognition.accounting import (
    listed_once,
    with_all_splits,
    with_doubts_of_splits,
    with_splits_of_folders,
)
from umop.data.recognition.mixed import paths_with_boxes, without_labelled_otherwise
from umop.data.recognition.others import other_file, other_format
from umop.data.recognition.untaken import with_unsaid_splits, without_unlabelled_test
from umop.data.recognition.unused import unused_files
from umop.system.console import counted
from umop.system.errors import UserError
from umop.system.fetched import fetched_path

LAYOUTS = (
    coco.LAYOUT,
    voc.LAYOUT,
    cvat.LAYOUT,
    labelme.LAYOUT,
    label_studio.LAYOUT,
    via.LAYOUT,
    createml.LAYOUT,
    supervisely.LAYOUT,
    manifest.LAYOUT,
    hugging_face.LAYOUT,
    automl.LAYOUT,
    table.LAYOUT,
    table.DOUBTFUL_LAYOUT,
    visdrone.LAYOUT,
    dota.LAYOUT,
    kitti.LAYOUT,
    wider_face.LAYOUT,
    yolo.LAYOUT,
)
"""Where several layouts fit, the one that finds boxes of the most images is read, or the first."""

_GIVE_BOTH = "Give the folder that holds both."


def open_data(path: Path) -> DataSet:
    """Reads a data set.

    Args:
        path: Its folder, or a zip of it.

    Raises:
        UserError: It is not there, or in no layout that is known.
    """
    return read_files(path, files_of(path))


def files_of(path: Path) -> Files:
    """The files of a data set.

    Args:
        path: Its folder, or a zip of it; or an address of either, which is fetched.

    Raises:
        FetchError: Storage does not answer.
        UserError: It is not there, or cannot be listed.
    """
    path = fetched_path(path)
    if not path.exists():
        raise UserError(f"The data is not there: {path} does not exist.")
    return Files(_innermost(unpacked(path) if path.is_file() else path))


def read_files(path: Path, files: Files) -> DataSet:
    """Reads a data set from its files.

    Args:
        path: What the user calls it.
        files: Its files.

    Raises:
        UserError: It is in no layout that is known, or its images are elsewhere.
    """
    data = without_doubtful_images(_best(path, files), files)
    if not files.images() and not any(files.has(image.path) for image in data.images):
        raise UserError(
            f"{path} holds annotations ({data.layout}), and no images. "
            f"{_unpack_first(files) or _GIVE_BOTH}"
        )
    data = with_doubts_of_splits(with_splits_of_folders(data, files), files)
    data = with_listed_splits(data, files)
    data = with_all_splits(listed_once(with_unsaid_splits(data, files)))
    listed = {image.path for image in data.images}
    data = without_unlabelled_test(data)
    return replace(data, unlisted=tuple(each for each in files.images() if each not in listed))


class _Reading(NamedTuple):
    """The data set as one layout has it.

    Attributes:
        layout: The layout.
        found: The files that are in it.
        data: What they say.
        labelled: The images that have boxes in them.
    """

    layout: Layout
    found: list[Path]
    data: DataSet
    labelled: Set[Path]


def _best(path: Path, files: Files) -> DataSet:
    """The data set in the layout that finds boxes of the most images; the others are noted.

    Images that are not there count only where no layout finds others. Of layouts that find as many,
    it is the first that says what is for training.

    Raises:
        UserError: It is in no layout that is known.
    """
    readings = [_read(layout, found, files) for layout in LAYOUTS if (found := layout.find(files))]
    if not readings:
        raise UserError(_not_recognised(path, files))
    counts = _counts(readings, files)
    ranks = [
        (count > 0 and not each.layout.gives_way, count, bool(each.data.splits()))
        for each, count in zip(readings, counts, strict=True)
    ]
    best = ranks.index(max(ranks))
    if not counts[best] and (said := other_format(files)):
        raise UserError(f"{path}: {said}")
    issues = tuple(
        Issue("layout-unused", _unused(each, count, files))
        for index, (each, count) in enumerate(zip(readings, counts, strict=True))
        if index != best
    )
    read = readings[best].data
    used = {path for each in readings for path in each.found}
    used.update(image.source for image in read.images)
    unused = unused_files(files, used)
    others = [each.data for each in readings if not each.layout.gives_way]
    data = without_labelled_otherwise(read, others)
    return replace(data, issues=(*data.issues, *issues, *unused))


def _read(layout: Layout, found: list[Path], files: Files) -> _Reading:
    data = with_images_found_by_name(layout.data(files, found), files)
    return _Reading(layout, found, data, paths_with_boxes(data))


def _counts(readings: Sequence[_Reading], files: Files) -> list[int]:
    """How many images have boxes in each layout: of those that are there, or of all if none is."""
    there = [sum(map(files.has, each.labelled)) for each in readings]
    return there if any(there) else [len(each.labelled) for each in readings]


def _unused(reading: _Reading, count: int, files: Files) -> str:
    boxes = "no box of an image that is there" if reading.labelled else "no box"
    if count:
        boxes = f"boxes of {counted(count, 'image')}"
    found = f"{counted(len(reading.found), 'file')}, such as {files.name(reading.found[0])}"
    return f"{reading.layout.name}: {boxes} in {found}"


def _innermost(folder: Path) -> Path:
    """The folder itself, or the one that is all it holds.

    Raises:
        UserError: It cannot be listed.
    """
    try:
        inside = [each for each in folder.iterdir() if not each.name.startswith(SYSTEM_FOLDERS)]
    except OSError as error:
        refuse_folder(error)
    return _innermost(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _not_recognised(path: Path, files: Files) -> str:
    """Says what was looked for and what is there."""
    beside = other_file(files)
    if said := other_format(files) or (None if _has_text(files) else beside):
        return f"{path}: {said}"
    looked = "; ".join(layout.looks_for for layout in LAYOUTS if layout.looks_for)
    kinds = ", ".join(
        f"{count} {suffix or 'without suffix'}" for suffix, count in files.suffixes.most_common(6)
    )
    return (
        f"{path} is in no layout that is known. Looked for: {looked}. Found: "
        f"{kinds or 'no file at all'}. {_nearest(files)} {beside or ''}".rstrip()
    )


def _has_text(files: Files) -> bool:
    """Whether there are files that may be annotations in a layout that is known."""
    return any(files.suffixes[each] for each in (".txt", ".xml", ".json", ".csv"))


def _nearest(files: Files) -> str:
    """Says which layout is the nearest, and what it lacks."""
    has = files.suffixes
    if not files.images():
        return (
            "There are no images (JPEG, PNG, WebP, BMP, TIFF, GIF) in it. " + _unpack_first(files)
        ).rstrip()
    if has[".txt"]:
        return f"Nearest: YOLO, whose label files {_unlike_yolo(files)}."
    if has[".xml"]:
        return "Nearest: Pascal VOC, whose XML files start with <annotation>."
    if has[".json"]:
        return "Nearest: COCO JSON, which has lists of images, annotations and categories."
    if has[".csv"]:
        return f"Nearest: CSV, whose first line names the columns {_columns_of_csv(files)}."
    return f"There are images, but no annotations. {_unpack_first(files) or _GIVE_BOTH}"


def _columns_of_csv(files: Files) -> str:
    """The columns that a table needs, and what one lacks that has all but one."""
    found = table.table_without_labels(files)
    lacking = f"; {files.name(found)} lacks only label: add the class of each box" if found else ""
    return f"image,x1,y1,x2,y2,label{lacking}"


def _unpack_first(files: Files) -> str:
    """Names an archive that may hold what is missing; nothing where there is none."""
    packed = files.matching(*ARCHIVE_SUFFIXES)
    return f"Unpack {files.name(packed[0])} first: archives inside are not read." if packed else ""


def _unlike_yolo(files: Files) -> str:
    """What label files have that these text files have not."""
    for name in sorted(files.pairs(".txt").of_annotation):
        if line := read_text(files.path(name)).strip().partition("\n")[0]:
            return f"have a class's number and four numbers a line; {name} has '{line[:40]}'"
    return "have the names of their images, with .txt, in labels/ or beside them"
