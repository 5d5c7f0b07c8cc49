"""CVAT for images: one XML file for all images."""

from __future__ import annotations

from math import cos, hypot, radians, sin
from pathlib import Path
from xml.etree import ElementTree

from umop.data.dataset import Builder, DataSet, Image
from umop.data.layouts.coco import pixels
from umop.data.layouts.files import SPLIT_WORDS, Files, head, read_xml, split_of_list

NAME = "CVAT"
LOOKS_FOR = "CVAT for images (annotations.xml)"
CORNERS = ("xtl", "ytl", "xbr", "ybr")


def find(files: Files) -> list[Path]:
    """The annotation files."""
    return [path for path in files.matching(".xml") if "<annotations" in head(path)]


def read(files: Files) -> DataSet:
    """Reads boxes, and of polygons, masks and ellipses the boxes that enclose them."""
    builder = Builder(files.root)
    for path in find(files):
        try:
            root = read_xml(path)
        except ValueError as error:
            builder.problem("annotations-unreadable", path, str(error))
            continue
        if root.find("track") is not None:
            text = "it is CVAT's form for video: export the task as 'CVAT for images 1.1'"
            builder.problem("annotations-unreadable", path, text)
            continue
        for name in root.iterfind(".//labels/label/name"):
            builder.label((name.text or "").strip())
        for image in root.iterfind("image"):
            read_image(image, path, files, builder)
    return builder.build(NAME, "shape")


def read_image(image: ElementTree.Element, source: Path, files: Files, builder: Builder) -> None:
    """Reads one image's shapes."""
    written = image.get("name", "")
    path = files.image(written, ("images", "")) or files.root / "images" / written
    index = builder.image(
        Image(
            path=path,
            source=source,
            split=subset(image.get("subset", "")) or split_of_list(path, files.root),
            width=pixels(image.get("width")),
            height=pixels(image.get("height")),
        )
    )
    for number, shape in enumerate(image, start=1):
        try:
            corners = corners_of(shape)
        except ValueError:
            text = f"{written}: shape {number} has no numbers"
            builder.problem("annotation-numbers", source, text, path)
            continue
        if corners is None:
            builder.problem("shape-without-box", source, f"{written}: {shape.tag}", path)
        else:
            label = builder.label(shape.get("label", "").strip())
            builder.box(index, label, corners, f"{number} of {written}")


def corners_of(shape: ElementTree.Element) -> list[float] | None:
    """The box of a shape, None for what encloses nothing, such as points or a tag.

    Raises:
        ValueError: It has no numbers.
    """
    if shape.tag == "box":
        x1, y1, x2, y2 = numbers(shape, *CORNERS)
        return around((x1 + x2) / 2, (y1 + y2) / 2, *turned(x2 - x1, y2 - y1, shape))
    if shape.tag == "mask":
        left, top, width, height = numbers(shape, "left", "top", "width", "height")
        return [left, top, left + width, top + height]
    if shape.tag == "ellipse":
        x, y, across, down = numbers(shape, "cx", "cy", "rx", "ry")
        angle = radians(float(shape.get("rotation", 0)))
        width = 2 * hypot(across * cos(angle), down * sin(angle))
        height = 2 * hypot(across * sin(angle), down * cos(angle))
        return around(x, y, width, height)
    if shape.tag == "polygon":
        points = [point.split(",") for point in shape.get("points", "").split(";")]
        xs, ys = [float(point[0]) for point in points], [float(point[-1]) for point in points]
        return [min(xs), min(ys), max(xs), max(ys)]
    return None


def numbers(shape: ElementTree.Element, *names: str) -> list[float]:
    """The numbers that a shape has under some names.

    Raises:
        ValueError: One is missing, or is no number.
    """
    return [float(shape.get(name, "")) for name in names]


def turned(width: float, height: float, shape: ElementTree.Element) -> tuple[float, float]:
    """The width and height of what encloses a box that is rotated about its centre."""
    angle = radians(float(shape.get("rotation", 0)))
    across, down = abs(cos(angle)), abs(sin(angle))
    return width * across + height * down, width * down + height * across


def around(x: float, y: float, width: float, height: float) -> list[float]:
    """The corners of a box that is given by its centre."""
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def subset(name: str) -> str | None:
    """The split of a subset's name."""
    return next((split for split, known in SPLIT_WORDS.items() if name.casefold() in known), None)
