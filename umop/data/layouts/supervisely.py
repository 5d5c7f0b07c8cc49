"""Supervisely: a JSON file for each image, ``ann/a.jpg.json`` beside ``img/a.jpg``."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import stem
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import MALFORMED, Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import around, pixels

_WITH_POINTS = ("rectangle", "polygon")
_MASKS = ("bitmap", "alpha_mask")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = slice(16, 24)


def _is_supervisely(content: Any) -> bool:
    """Whether an outline has an image's size and a list of objects."""
    if not isinstance(content, dict) or not isinstance(content.get("size"), dict):
        return False
    return isinstance(content.get("objects"), list) and "height" in content["size"]


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads rectangles, and of polygons and masks the boxes that enclose them."""
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
    index = builder.image(Image(path, source, files.split_of(source), width, height))
    for number, entry in enumerate(content["objects"], start=1):
        kind = entry.get("geometryType")
        if kind not in (*_WITH_POINTS, *_MASKS):
            other = f"a {kind}" if kind else "of no geometryType"
            text = f"object {number} is {other}, and no rectangle, polygon or mask"
            builder.issue_of(index, "shape-without-box", text)
            continue
        try:
            corners = _corners(entry, kind)
        except MALFORMED:
            text = f"object {number}, a {kind}, is no rectangle, polygon or mask that can be read"
            builder.issue_of(index, "annotation-numbers", text)
            continue
        builder.box(index, builder.label(str(entry["classTitle"])), corners, number)


def _corners(entry: dict[str, Any], kind: Any) -> list[float]:
    """The box around an object.

    Raises:
        ValueError: It is no mask; others of ``MALFORMED`` for values of another type.
    """
    if kind in _WITH_POINTS:
        return around(entry["points"]["exterior"])
    x, y = map(float, entry["bitmap"]["origin"])
    width, height = _size_of_mask(entry["bitmap"]["data"])
    return [x, y, x + width, y + height]


def _size_of_mask(data: str) -> tuple[int, int]:
    """The width and height of a mask, which is a PNG cut to what it shows, compressed once more.

    Raises:
        ValueError: It is none.
    """
    try:
        start = zlib.decompressobj().decompress(b64decode(data), _PNG_SIZE.stop)
        width, height = struct.unpack(">II", start[_PNG_SIZE])
    except (zlib.error, struct.error) as error:
        raise ValueError("no PNG") from error
    if not start.startswith(_PNG) or not width * height:
        raise ValueError("no PNG")
    return width, height


LAYOUT = Layout(
    name="Supervisely",
    looks_for="Supervisely (ann/*.json beside img/)",
    notation=Notation("corners", "object", file_per_image=True),
    find=json_files(_is_supervisely),
    read=_read,
)
