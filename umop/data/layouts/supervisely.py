"""Supervisely: a JSON file for each image, ``ann/a.jpg.json`` beside ``img/a.jpg``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import split_of, stem
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import around, pixels

_WITH_BOX = ("rectangle", "polygon")


def _is_supervisely(content: Any) -> bool:
    """Whether an outline has an image's size and a list of objects."""
    if not isinstance(content, dict) or not isinstance(content.get("size"), dict):
        return False
    return isinstance(content.get("objects"), list) and "height" in content["size"]


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads rectangles, and of polygons the boxes that enclose them."""
    pairs = files.pairs(".json").of_annotation
    for path in found:
        named = [files.path(name) for name in pairs.get(files.name(path), ())]
        expected = path.parent.parent / "img" / stem(path.name)
        with noting_unreadable(path, "Supervisely's JSON", builder):
            _read_image(path, next(iter(named), expected), files, builder)
    builder.sort_classes()


def _read_image(source: Path, path: Path, files: Files, builder: Builder) -> None:
    content = read_json(source)
    width, height = (pixels(content["size"].get(side)) for side in ("width", "height"))
    index = builder.image(Image(path, source, split_of(source, files.root), width, height))
    for number, entry in enumerate(content["objects"], start=1):
        if entry.get("geometryType") not in _WITH_BOX:
            text = f"object {number} is a {entry.get('geometryType')}"
            builder.issue("shape-without-box", source, text, path)
            continue
        label = builder.label(str(entry["classTitle"]))
        builder.box(index, label, around(entry["points"]["exterior"]), number)


LAYOUT = Layout(
    name="Supervisely",
    looks_for="Supervisely (ann/*.json beside img/)",
    notation=Notation("corners", "object", file_per_image=True),
    find=json_files(_is_supervisely),
    read=_read,
)
