"""Pascal VOC: an XML file for each image, with or without lists of the splits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from umop.data.dataset import Builder, DataSet, Image
from umop.data.layouts.coco import pixels
from umop.data.layouts.files import Files, head, is_file, read_text, read_xml, split_of

NAME = "Pascal VOC"
LOOKS_FOR = "Pascal VOC (an XML file for each image, as in Annotations/)"
ROOT = re.compile(r"<annotation[\s>]")
"""The root of each file; labelImg gives it an attribute once a person has verified the image."""
LISTS = {
    "train": ("train", "trainval"),
    "val": ("val", "valid", "validation", "test"),
    "test": ("test",),
}
"""The files of ``ImageSets/Main`` that may list a split; the first that is there does."""
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def find(files: Files) -> list[Path]:
    """The annotation files: the folder's first XML file tells what the others are."""
    found = files.matching(".xml")
    return found if any(ROOT.search(head(path)) for path in found[:3]) else []


def read(files: Files) -> DataSet:
    """Reads the images that the lists name, or all that have an annotation."""
    builder = Builder(files.root)
    for path, split in listed(files, builder) or ((path, None) for path in find(files)):
        read_image(path, split or split_of(path, files.root), files, builder)
    builder.sort_classes()
    return builder.build(NAME, "object")


def listed(files: Files, builder: Builder) -> list[tuple[Path, str]]:
    """The annotation files that ``ImageSets/Main`` lists, each with its split."""
    annotations = {path.stem: path for path in find(files)}
    found: dict[Path, str] = {}
    used: set[Path] = set()
    entries = []
    for split, names in LISTS.items():
        paths = (files.named(f"ImageSets/Main/{name}.txt") for name in names)
        path = next((path for path in paths if path is not None), None)
        if path is None or path in used:
            continue
        used.add(path)
        for line in read_text(path).splitlines():
            if not (name := line.strip()):
                continue
            if name not in annotations:  # per-class lists say behind the name what it shows
                name = re.sub(r"\s+-?[01]$", "", name)
            annotation = annotations.get(name, files.root / "Annotations" / f"{name}.xml")
            if found.get(annotation) == split:
                builder.problem("listed-twice", path, f"{name} is listed twice")
                continue
            found[annotation] = split
            entries.append((annotation, split))
    return entries


def read_image(path: Path, split: str | None, files: Files, builder: Builder) -> None:
    """Reads one image's annotation."""
    if not is_file(path):
        builder.problem("annotation-missing", path, "there is no such file")
        return
    try:
        root = read_xml(path)
    except ValueError as error:
        builder.problem("annotations-unreadable", path, str(error))
        return
    folders = ("JPEGImages", path.parent.relative_to(files.root).as_posix().removeprefix("."))
    written = (root.findtext("filename") or path.stem).strip()
    image = Image(
        path=files.image(path.stem, folders)
        or files.image(written, folders)
        or files.root / "JPEGImages" / written,
        source=path,
        split=split,
        width=pixels(root.findtext("size/width")),
        height=pixels(root.findtext("size/height")),
    )
    index = builder.image(image)
    for number, (name, corners) in enumerate(objects(root), start=1):
        if corners is None:
            text = f"object {number} has no box of 4 numbers"
            builder.problem("annotation-numbers", path, text, image.path)
            continue
        builder.box(index, builder.label(name), corners, number)


def objects(root: ElementTree.Element) -> Iterator[tuple[str, list[float] | None]]:
    """The class and the corners of each object; None where there are no 4 numbers."""
    for item in root.iterfind("object"):
        name = (item.findtext("name") or "").strip()
        try:
            yield name, [float(item.findtext(f"bndbox/{side}", "")) for side in CORNERS]
        except ValueError:
            yield name, None
