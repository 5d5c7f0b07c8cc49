"""Pascal VOC: an XML file for each image, with or without lists of the splits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import folded, is_image, relative_name, stem
from umop.data.files.reading import is_file, read_text, read_xml
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, note_other_name, xml_files
from umop.data.layouts.shapes import around, degrees, pixels, turned
from umop.system.console import counted

_LISTS = {
    "train": ("train", "trainval"),
    "val": ("val", "valid", "validation", "test"),
    "test": ("test",),
}
"""The files of ``ImageSets/Main`` that may list a split; the first that is there does."""
_IN_LISTS = re.compile(r"(.*/|)ImageSets/Main/[^/]+\.txt")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads the images that the lists name, or all that have an annotation."""
    pairs = files.pairs(".xml").of_annotation
    listed = _listed(files, found, builder)
    rest = sorted(set(found) - {path for path, _ in listed})
    if listed and rest:
        text = f"one of {counted(len(rest), 'file')} that ImageSets/Main does not list"
        builder.issue("images-in-no-list", rest[0], text)
    for path, split in listed or ((path, None) for path in found):
        of_its_name = pairs.get(files.name(path), ())
        _read_image(path, split or files.split_of(path), of_its_name, files, builder)
    builder.sort_classes()


def _listed(files: Files, annotated: Sequence[Path], builder: Builder) -> list[tuple[Path, str]]:
    """The annotation files that lists name, each with its split."""
    folders = {match[1] for name in files.names if (match := _IN_LISTS.fullmatch(name))}
    return [
        entry
        for folder in sorted(folders)
        for entry in _listed_in(folder, files, annotated, builder)
    ]


def _listed_in(
    folder: str, files: Files, annotated: Sequence[Path], builder: Builder
) -> Iterator[tuple[Path, str]]:
    """The annotation files that the lists of one ``ImageSets/Main`` name, each with its split.

    Args:
        folder: The folder that ``ImageSets`` is in, with its slash; nothing for the root.
        files: The files of the data set.
        annotated: All annotation files.
        builder: Takes what is wrong with the lists.
    """
    here = files.root / folder
    annotations = {folded(path.stem): path for path in annotated if path.is_relative_to(here)}
    found: set[tuple[Path, str]] = set()
    used: set[Path] = set()
    for split, names in _LISTS.items():
        paths = (files.named(f"{folder}ImageSets/Main/{name}.txt") for name in names)
        path = next((path for path in paths if path is not None), None)
        if path is None or path in used:
            continue
        used.add(path)
        for line in read_text(path).splitlines():
            name = line if folded(line) in annotations else line.strip()
            if not name:
                continue
            if folded(name) not in annotations:  # per-class lists say behind it what it shows
                name = re.sub(r"\s+-?[01]$", "", name)
            if folded(name) not in annotations and is_image(name):
                name = stem(name.replace("\\", "/").rpartition("/")[2])
            expected = here / "Annotations" / f"{name}.xml"
            annotation = annotations.get(folded(name), expected)
            if (annotation, split) in found:
                builder.issue("listed-twice", path, f"{name} is listed twice")
                continue
            found.add((annotation, split))
            yield annotation, split


def _read_image(
    path: Path, split: str | None, of_its_name: Sequence[str], files: Files, builder: Builder
) -> None:
    """Reads one image's annotation."""
    if not is_file(path):
        builder.issue("annotation-missing", path, "there is no such file")
        return
    try:
        root = read_xml(path)
    except ValueError as error:
        builder.issue("annotations-unreadable", path, str(error))
        return
    named = (root.findtext(tag, "").strip() for tag in ("filename", "path"))
    written = next(filter(None, named), path.stem)
    image = Image(
        path=_image_of(path, written, of_its_name, files),
        source=path,
        split=split,
        width=pixels(root.findtext("size/width")),
        height=pixels(root.findtext("size/height")),
    )
    note_other_name(image, written, files, builder)
    index = builder.image(image)
    for number, item in enumerate(voc_objects(root), start=1):
        if item.is_deleted:
            builder.issue_of(index, "region-ignored", f"object {number} is deleted")
            continue
        if item.corners is None:
            text = f"object {number} has no box of 4 numbers"
            builder.issue_of(index, "annotation-numbers", text)
            continue
        if item.is_of_polygon:
            builder.issue_of(index, "box-of-polygon", f"object {number}, {item.name}")
        if item.angle:
            builder.issue_of(index, "box-turned", f"object {number}, by {item.angle:g}°")
        builder.box(index, builder.label(item.name), item.corners, number)


def _image_of(path: Path, written: str, of_its_name: Sequence[str], files: Files) -> Path:
    """An annotation's image: the one with its name, or else with the name that it gives."""
    named = [name for name in of_its_name if f"/{name}".endswith(f"/{written}")] or of_its_name
    if named:
        return files.path(named[0])
    here = path.parent.relative_to(files.root).as_posix().removeprefix(".")
    folder = "JPEGImages" if (files.root / "JPEGImages").is_dir() else here
    found = files.image(written, ("JPEGImages", here))
    return found or files.root / folder / relative_name(written)


class VocObject(NamedTuple):
    """A box of an annotation.

    Attributes:
        name: Its class.
        corners: Upright, xyxy; None where there are no 4 numbers.
        is_of_polygon: Whether it is that around a polygon.
        angle: By which it was turned, in degrees.
        is_deleted: Whether a person has deleted it, as LabelMe's web tool notes.
    """

    name: str
    corners: list[float] | None
    is_of_polygon: bool
    angle: float
    is_deleted: bool


def voc_objects(root: ElementTree.Element) -> Iterator[VocObject]:
    """The boxes of an annotation's objects; that around a polygon where one has none of its own.

    An empty ``<object/>`` says that there is none.
    """
    for item in filter(len, root.iterfind("object")):
        name = (item.findtext("name") or "").strip()
        is_deleted = item.findtext("deleted", "").strip() == "1"
        for box in item.findall("bndbox") or [item]:
            corners = _corners(box)
            enclosing = None if corners and _has_area(corners) else _around_polygon(item)
            angle = 0.0 if enclosing or not corners else _angle(item)
            upright = turned(corners, angle) if corners and angle else corners
            yield VocObject(name, enclosing or upright, enclosing is not None, angle, is_deleted)


def _angle(item: ElementTree.Element) -> float:
    """By how much an object's box is turned, as CVAT writes it."""
    found = item.find("attributes/attribute[name='rotation']/value")
    return degrees(found.text if found is not None else 0)


def _corners(box: ElementTree.Element) -> list[float] | None:
    try:
        return [float(box.findtext(side, "")) for side in _CORNERS]
    except ValueError:
        return None


def _has_area(corners: Sequence[float]) -> bool:
    x1, y1, x2, y2 = corners
    return x1 != x2 and y1 != y2


def _around_polygon(item: ElementTree.Element) -> list[float] | None:
    """The box around an object's polygon, whose points are ``<x1>``, ``<y1>`` or ``<pt>``."""
    places = [each for polygon in item.iterfind("polygon") for each in polygon.iter()]
    try:
        xs, ys = (
            [float(each.text or "") for each in places if re.fullmatch(rf"{axis}\d*", each.tag)]
            for axis in "xy"
        )
        return around(list(zip(xs, ys, strict=True)))
    except ValueError:
        return None


LAYOUT = Layout(
    name="Pascal VOC",
    looks_for="Pascal VOC (an XML file for each image, as in Annotations/)",
    notation=Notation("corners", "object", file_per_image=True),
    find=xml_files("annotation"),
    read=_read,
)
