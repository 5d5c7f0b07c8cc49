"""VGG Image Annotator, versions 1 and 2: JSON, as makesense writes it too, or CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import degrees
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.reading import parse_json, read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, json_files, noting_unreadable
from umop.data.layouts.rows import first_row, rows
from umop.data.layouts.shapes import around, around_ellipse, centred
from umop.data.layouts.via.classes import RegionClasses
from umop.system.console import counted

_PROJECT = "_via_img_metadata"
_COLUMNS = ("region_shape_attributes", "region_attributes")
_UNDEFINED = re.compile(r'(?<=":)\s*undefined\b')
"""What VIA writes into its tables for an attribute that nobody has given."""
_Regions = list[dict[str, Any]]


def _is_via(content: Any) -> bool:
    """Whether an outline is that of a project, or of images with regions."""
    if not isinstance(content, dict):
        return False
    images = content.get(_PROJECT, content)
    return isinstance(images, dict) and any(
        isinstance(each, dict) and "regions" in each and "filename" in each
        for each in images.values()
    )


def _find(files: Files) -> list[Path]:
    """The JSON files, and the tables with the columns of regions."""
    tables = files.matching(".csv")
    found = [path for path in tables if set(_COLUMNS) <= set(map(_plain, first_row(path)))]
    return json_files(_is_via)(files) + found


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads rectangles, and of other shapes the boxes that enclose them."""
    images = [(path, *image) for path in found for image in _images(path, builder)]
    classes = RegionClasses(region for *_, regions in images for region in regions)
    _note_unclear(images, classes, builder)
    for path, written, regions in images:
        with noting_unreadable(path, "VIA's", builder):
            _read_image(written, regions, classes, path, files, builder)
    builder.sort_classes()


def _images(path: Path, builder: Builder) -> Sequence[tuple[str, _Regions]]:
    """The images of a file, each with its regions; what cannot be read is noted."""
    with noting_unreadable(path, "VIA's", builder):
        return list((_from_table if path.suffix.casefold() == ".csv" else _from_json)(path))
    return ()


def _note_unclear(
    images: Sequence[tuple[Path, str, _Regions]], classes: RegionClasses, builder: Builder
) -> None:
    """Notes regions of which it is not clear which attribute is the class."""
    unclear = [path for path, _, regions in images for each in regions if classes.of(each) is None]
    if unclear:
        names, where = ", ".join(classes.unclear), counted(len(unclear), "region")
        text = f"which of the attributes {names} of {where} is the class is not clear"
        builder.issue("annotations-unreadable", unclear[0], f"{text}: call it class")


def _from_json(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The images of a JSON file, each with its regions."""
    content = read_json(path)
    for each in content.get(_PROJECT, content).values():
        regions = each.get("regions") or []
        yield each["filename"], list(regions.values() if isinstance(regions, dict) else regions)


def _from_table(path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The images of a table, each with its regions, which have a row each."""
    header, images = None, dict[str, list[dict[str, Any]]]()
    for row in filter(any, rows(path)):
        if header is None:
            header = [_plain(name) for name in row]
            continue
        cells = dict(zip(header, row, strict=False))
        regions = images.setdefault(cells["filename"], [])
        cleaned = (_UNDEFINED.sub("null", cells[name]) for name in _COLUMNS)
        shape, attributes = (parse_json(text or "{}") for text in cleaned)
        if shape:
            regions.append({"shape_attributes": shape, "region_attributes": attributes})
    yield from images.items()


def _plain(name: str) -> str:
    return name.lstrip("#").strip()


def _read_image(
    written: str,
    regions: _Regions,
    classes: RegionClasses,
    source: Path,
    files: Files,
    builder: Builder,
) -> None:
    """Reads one image.

    Args:
        written: Its name in the file.
        regions: Its regions.
        classes: The classes of regions; those where it is not clear are left out.
        source: The file.
        files: The files of the data set.
        builder: Takes the image.
    """
    path = files.image_or_expected(written, files.near(source))
    split = files.split_of_list(source)
    index = builder.image(Image(path, source, split, written=written))
    for number, region in enumerate(regions, start=1):
        place = f"{number} of {written}"
        corners = _corners(region["shape_attributes"])
        if corners is None:
            text = f"region {place}: {region['shape_attributes'].get('name')}"
            builder.issue("shape-without-box", source, text, path)
        elif (name := classes.of(region)) is not None:
            builder.box(index, builder.label(name), corners, place)


def _corners(shape: dict[str, Any]) -> list[float] | None:
    """The box around a shape; None for one that encloses nothing."""
    match shape.get("name"):
        case "rect":
            x, y, width, height = _numbers(shape, "x", "y", "width", "height")
            return [x, y, x + width, y + height]
        case "circle":
            x, y, radius = _numbers(shape, "cx", "cy", "r")
            return centred(x, y, radius, radius)
        case "ellipse":
            x, y, across, down = _numbers(shape, "cx", "cy", "rx", "ry")
            return around_ellipse(x, y, across, down, degrees(float(shape.get("theta") or 0)))
        case "polygon":
            pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
            return around(list(pairs))
    return None


def _numbers(shape: dict[str, Any], *names: str) -> list[float]:
    """The numbers that a shape has under some names.

    Raises:
        ValueError: One is no number; others of ``MALFORMED`` where one is missing, of another type,
            or larger than any float.
    """
    return [float(shape[name]) for name in names]


LAYOUT = Layout(
    name="VIA",
    looks_for="VIA's JSON or CSV",
    notation=Notation("corners", "region"),
    find=_find,
    read=_read,
)
