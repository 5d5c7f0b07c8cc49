"""Reads a data set in any layout that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from umop.data.dataset import DataSet
from umop.data.layouts import coco, cvat, labelme, table, voc, yolo
from umop.data.layouts.archive import unpacked
from umop.data.layouts.files import Files, is_file
from umop.system.errors import UserError


@dataclass(frozen=True)
class Layout:
    """A layout of data sets.

    Attributes:
        name: What users call it.
        looks_for: The files by which it is recognised.
        find: Finds those files; none where it is another layout.
        read: Reads the data set.
    """

    name: str
    looks_for: str
    find: Callable[[Files], list[Path]]
    read: Callable[[Files], DataSet]


LAYOUTS = tuple(
    Layout(module.NAME, module.LOOKS_FOR, module.find, module.read)
    for module in (coco, voc, cvat, labelme, table, yolo)
)
"""In the order in which they are looked for: the first whose files are there is read."""

GIVE_BOTH = "Give the folder that holds both."


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
        path: Its folder, or a zip of it.

    Raises:
        UserError: It is not there.
    """
    if not path.exists():
        raise UserError(f"The data is not there: {path} does not exist.")
    return Files(innermost(unpacked(path) if path.is_file() else path))


def read_files(path: Path, files: Files) -> DataSet:
    """Reads a data set from its files.

    Args:
        path: What the user calls it.
        files: Its files.

    Raises:
        UserError: It is in no layout that is known, or its images are elsewhere.
    """
    layout = next((layout for layout in LAYOUTS if layout.find(files)), None)
    if layout is None:
        raise UserError(not_recognised(path, files))
    data = layout.read(files)
    listed = {image.path for image in data.images}
    if not files.images() and not any(is_file(each) for each in listed):
        raise UserError(f"{path} holds annotations ({layout.name}), and no images. {GIVE_BOTH}")
    return replace(data, unlisted=tuple(each for each in files.images() if each not in listed))


def innermost(folder: Path) -> Path:
    """The folder itself, or the one that is all it holds."""
    inside = [each for each in folder.iterdir() if not each.name.startswith((".", "__MACOSX"))]
    return innermost(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def not_recognised(path: Path, files: Files) -> str:
    """Says what was looked for and what is there."""
    looked = "; ".join(layout.looks_for for layout in LAYOUTS)
    kinds = ", ".join(
        f"{count} {suffix or 'without suffix'}" for suffix, count in files.suffixes.most_common(6)
    )
    return (
        f"{path} is in no layout that is known. Looked for: {looked}. Found: "
        f"{kinds or 'no file at all'}. {nearest(files)}"
    )


def nearest(files: Files) -> str:
    """Says which layout is the nearest, and what it lacks."""
    has = files.suffixes
    if not files.images():
        return "There are no images (JPEG, PNG, WebP, BMP, TIFF, GIF) in it."
    if has[".txt"]:
        return (
            "Nearest: YOLO, whose label files have the names of their images, with .txt, in "
            "labels/ or beside them."
        )
    if has[".xml"]:
        return "Nearest: Pascal VOC, whose XML files start with <annotation>."
    if has[".json"]:
        return "Nearest: COCO JSON, which has lists of images, annotations and categories."
    if has[".csv"]:
        return "Nearest: CSV, whose first line names the columns image,x1,y1,x2,y2,label."
    return f"There are images, but no annotations. {GIVE_BOTH}"
