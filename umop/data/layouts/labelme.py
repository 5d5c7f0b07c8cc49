"""LabelMe: a JSON file for each image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import dist
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, DataSet, Image
from umop.data.layouts.coco import pixels
from umop.data.layouts.files import Files, head, read_json, split_of

NAME = "LabelMe"
LOOKS_FOR = "LabelMe (a JSON file for each image)"
KEYS = ('"shapes"', '"imageData"')
"""One of them is at the start of each file; the image's data may hide what follows."""
WITHOUT_BOX = ("point", "points", "line", "linestrip")


def find(files: Files) -> list[Path]:
    """The annotation files."""
    return [path for path in files.matching(".json") if any(key in head(path) for key in KEYS)]


def read(files: Files) -> DataSet:
    """Reads all annotation files; of a polygon or circle the box that encloses it."""
    builder = Builder(files.root)
    for path in find(files):
        try:
            read_image(path, read_json(path), files, builder)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            builder.problem("annotations-unreadable", path, f"not LabelMe's JSON: {error}")
    builder.sort_classes()
    return builder.build(NAME, "shape")


def read_image(path: Path, content: Any, files: Files, builder: Builder) -> None:
    """Reads one image's annotation.

    Raises:
        ValueError: It is not LabelMe's.
    """
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}, not an object with shapes")
    if not isinstance(content.get("shapes"), list):
        raise ValueError(f"its shapes are {json.dumps(content.get('shapes'))}, not a list")
    here = path.parent.relative_to(files.root).as_posix().removeprefix(".")
    written = str(content.get("imagePath") or path.stem)
    found = files.image(written, (here, "images")) or files.image(path.stem, (here, "images"))
    image = Image(
        path=found or path.parent / written,
        source=path,
        split=split_of(path, files.root),
        width=pixels(content.get("imageWidth")),
        height=pixels(content.get("imageHeight")),
    )
    index = builder.image(image)
    for number, shape in enumerate(content["shapes"], start=1):
        if shape.get("shape_type") in WITHOUT_BOX:
            text = f"shape {number} is a {shape['shape_type']}"
            builder.problem("shape-without-box", path, text, image.path)
            continue
        try:
            corners = enclosing(shape.get("points") or (), shape.get("shape_type"))
        except (TypeError, ValueError, LookupError):
            corners = None
        if corners is None:
            text = f"shape {number} is no rectangle, polygon or circle"
            builder.problem("annotation-numbers", path, text, image.path)
            continue
        builder.box(index, builder.label(str(shape.get("label") or "").strip()), corners, number)


def enclosing(points: Sequence[Sequence[float]], kind: str | None) -> list[float] | None:
    """The box around a shape, None for a shape that encloses nothing."""
    if len(points) < 2:
        return None
    if kind == "circle":
        (x, y), edge = points[0], points[1]
        radius = dist((x, y), edge)
        return [x - radius, y - radius, x + radius, y + radius]
    xs, ys = [float(point[0]) for point in points], [float(point[1]) for point in points]
    return [min(xs), min(ys), max(xs), max(ys)]
