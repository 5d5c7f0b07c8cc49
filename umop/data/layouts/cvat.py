"""CVAT for images: one XML file for all images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import SPLIT_WORDS
from umop.data.files.reading import read_xml
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, xml_files
from umop.data.layouts.shapes import around, around_ellipse, pixels, turned

_CORNERS = ("xtl", "ytl", "xbr", "ybr")


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads boxes, and of polygons, masks and ellipses the boxes that enclose them."""
    for path in found:
        try:
            root = read_xml(path)
        except ValueError as error:
            builder.issue("annotations-unreadable", path, str(error))
            continue
        if root.find("track") is not None:
            text = "it is CVAT's form for video: export the task as 'CVAT for images 1.1'"
            builder.issue("annotations-unreadable", path, text)
            continue
        for name in root.iterfind(".//labels/label/name"):
            builder.label((name.text or "").strip())
        for image in root.iterfind("image"):
            _read_image(image, path, files, builder)


def _read_image(image: ElementTree.Element, source: Path, files: Files, builder: Builder) -> None:
    """Reads one image's shapes."""
    written = image.get("name", "")
    path = files.image_or_expected(written, files.near(source))
    index = builder.image(
        Image(
            path=path,
            source=source,
            split=_subset(image.get("subset", "")) or files.split_of_list(path),
            width=pixels(image.get("width")),
            height=pixels(image.get("height")),
            written=written,
            number=int(key) if (key := image.get("id", "")).isdecimal() else None,
        )
    )
    for number, shape in enumerate(image, start=1):
        try:
            corners = _corners_of(shape)
        except ValueError:
            text = f"{written}: shape {number} has no numbers"
            builder.issue("annotation-numbers", source, text, path)
            continue
        if corners is None:
            builder.issue("shape-without-box", source, f"{written}: {shape.tag}", path)
        else:
            label = builder.label(shape.get("label", "").strip())
            builder.box(index, label, corners, f"{number} of {written}")


def _corners_of(shape: ElementTree.Element) -> list[float] | None:
    """The box of a shape, None for what encloses nothing, such as points or a tag.

    Raises:
        ValueError: It has no numbers.
    """
    if shape.tag == "box":
        x1, y1, x2, y2 = _numbers(shape, *_CORNERS)
        return turned([x1, y1, x2, y2], float(shape.get("rotation", 0)))
    if shape.tag == "mask":
        left, top, width, height = _numbers(shape, "left", "top", "width", "height")
        return [left, top, left + width, top + height]
    if shape.tag == "ellipse":
        x, y, across, down = _numbers(shape, "cx", "cy", "rx", "ry")
        return around_ellipse(x, y, across, down, float(shape.get("rotation", 0)))
    if shape.tag == "polygon":
        points = (point.partition(",") for point in shape.get("points", "").split(";"))
        return around([(float(x), float(y)) for x, _, y in points])
    return None


def _numbers(shape: ElementTree.Element, *names: str) -> list[float]:
    """The numbers that a shape has under some names.

    Raises:
        ValueError: One is missing, or is no number.
    """
    return [float(shape.get(name, "")) for name in names]


def _subset(name: str) -> str | None:
    """The split of a subset's name."""
    return next((split for split, known in SPLIT_WORDS.items() if name.casefold() in known), None)


LAYOUT = Layout(
    name="CVAT",
    looks_for="CVAT for images (annotations.xml)",
    notation=Notation("corners", "shape"),
    find=xml_files("annotations"),
    read=_read,
)
