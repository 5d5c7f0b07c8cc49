"""Apple's CreateML: a JSON list of images, each with its boxes by centre and size in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.outline import json_objects
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import MALFORMED, Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import centred

_SIDES = ("x", "y", "width", "height")


def _is_createml(content: Any) -> bool:
    """Whether an outline is a list of images with annotations that have coordinates."""
    listed = json_objects(content)
    boxes = [box for each in listed for box in json_objects(_boxes(each))]
    return any("coordinates" in box for box in boxes) or bool(
        listed and all(isinstance(_name(each), str) and _boxes(each) == [] for each in listed)
    )


def _name(entry: dict[str, Any]) -> Any:
    return entry.get("image") or entry.get("imagefilename")


def _boxes(entry: dict[str, Any]) -> Any:
    return entry.get("annotations", entry.get("annotation"))


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all files."""
    for path in found:
        with noting_unreadable(path, "CreateML's JSON", builder):
            for entry in read_json(path):
                _read_image(entry, path, files, builder)
    builder.sort_classes()


def _read_image(entry: dict[str, Any], source: Path, files: Files, builder: Builder) -> None:
    written = _name(entry)
    path = files.image_or_expected(written, files.near(source))
    split = files.split_of_list(source)
    index = builder.image(Image(path, source, split, written=written))
    for number, box in enumerate(_boxes(entry) or (), start=1):
        place = f"{number} of {written}"
        try:
            x, y, width, height = (float(box["coordinates"][side]) for side in _SIDES)
        except MALFORMED:
            text = f"annotation {place} has no x, y, width and height"
            builder.issue("annotation-numbers", source, text, path)
            continue
        corners = centred(x, y, width / 2, height / 2)
        builder.box(index, builder.label(str(box.get("label") or "")), corners, place)


LAYOUT = Layout(
    name="CreateML",
    looks_for="CreateML's JSON (_annotations.createml.json)",
    notation=Notation("centre and size", "annotation"),
    find=json_files(_is_createml),
    read=_read,
)
