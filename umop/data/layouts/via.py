"""VGG Image Annotator, versions 1 and 2: JSON, as makesense writes it too, or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import split_of_list
from umop.data.files.reading import parse_json, read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import around, centred
from umop.data.layouts.table import first_row, rows

_PROJECT = "_via_img_metadata"
_CLASS_ATTRIBUTES = ("class", "label", "name", "type", "category", "object")
_COLUMNS = ("region_shape_attributes", "region_attributes")


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
    for path in found:
        with noting_unreadable(path, "VIA's", builder):
            for written, regions in (
                _from_table if path.suffix.casefold() == ".csv" else _from_json
            )(path):
                _read_image(written, regions, path, files, builder)
    builder.sort_classes()


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
        shape, attributes = (parse_json(cells[name] or "{}") for name in _COLUMNS)
        if shape:
            regions.append({"shape_attributes": shape, "region_attributes": attributes})
    yield from images.items()


def _plain(name: str) -> str:
    return name.lstrip("#").strip()


def _read_image(
    written: str, regions: list[dict[str, Any]], source: Path, files: Files, builder: Builder
) -> None:
    path = files.image_or_expected(written, files.near(source))
    split = split_of_list(source, files.root)
    index = builder.image(Image(path, source, split, written=written))
    for number, region in enumerate(regions, start=1):
        place = f"{number} of {written}"
        corners = _corners(region["shape_attributes"])
        if corners is None:
            text = f"region {place}: {region['shape_attributes'].get('name')}"
            builder.issue("shape-without-box", source, text, path)
        else:
            label = builder.label(_class(region.get("region_attributes") or {}))
            builder.box(index, label, corners, place)


def _class(attributes: dict[str, Any]) -> str:
    """The class among a region's attributes: of a choice of several the first that is chosen."""
    named = [value for key, value in attributes.items() if key.casefold() in _CLASS_ATTRIBUTES]
    value = next(iter([*named, *attributes.values()]), "object")
    if isinstance(value, dict):
        value = next((name for name, chosen in value.items() if chosen), "")
    return str(value).strip()


def _corners(shape: dict[str, Any]) -> list[float] | None:
    """The box around a shape; None for one that encloses nothing."""
    match shape.get("name"):
        case "rect":
            x, y = float(shape["x"]), float(shape["y"])
            return [x, y, x + float(shape["width"]), y + float(shape["height"])]
        case "circle":
            return centred(shape["cx"], shape["cy"], shape["r"], shape["r"])
        case "ellipse":
            return centred(shape["cx"], shape["cy"], shape["rx"], shape["ry"])
        case "polygon":
            pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
            return around(list(pairs))
    return None


LAYOUT = Layout(
    name="VIA",
    looks_for="VIA's JSON or CSV",
    notation=Notation("corners", "region"),
    find=_find,
    read=_read,
)
