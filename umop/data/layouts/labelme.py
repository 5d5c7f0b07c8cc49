"""LabelMe: a JSON file for each image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import dist
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import relative_name, suffix
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import (
    MALFORMED,
    Layout,
    json_files,
    note_other_name,
    noting_unreadable,
)
from umop.data.layouts.shapes import around, centred, pixels

_WITHOUT_BOX = ("point", "points", "line", "linestrip")


def _is_labelme(content: Any) -> bool:
    """Whether a JSON file's outline is LabelMe's; the image's data may hide what follows it."""
    return isinstance(content, dict) and ("shapes" in content or "imageData" in content)


def _find(files: Files) -> list[Path]:
    """The annotation files; where there is one, each JSON file of an image's name is meant so."""
    found = json_files(_is_labelme)(files)
    named = [files.path(name) for name in files.pairs(".json").of_annotation] if found else []
    return sorted({*found, *named})


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all annotation files; of a polygon or circle the box that encloses it."""
    pairs = files.pairs(".json").of_annotation
    for path in found:
        with noting_unreadable(path, "LabelMe's JSON", builder):
            of_its_name = pairs.get(files.name(path), ())
            _read_image(path, read_json(path), of_its_name, files, builder)
    builder.sort_classes()


def _read_image(
    path: Path, content: Any, of_its_name: Sequence[str], files: Files, builder: Builder
) -> None:
    """Reads one image's annotation.

    Raises:
        ValueError: It is not LabelMe's.
    """
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}, not an object with shapes")
    if not isinstance(content.get("shapes"), list):
        raise ValueError(f"its shapes are {json.dumps(content.get('shapes'))}, not a list")
    named = str(content.get("imagePath") or path.stem)
    if suffix(named) == ".json":  # the file itself, as in an example of LabelMe's own
        named = path.stem
    its_path, written = _image_of(path, named, of_its_name, files)
    image = Image(
        path=its_path,
        source=path,
        split=files.split_of(path),
        width=pixels(content.get("imageWidth")),
        height=pixels(content.get("imageHeight")),
        written=written,
    )
    note_other_name(image, named, files, builder)
    index = builder.image(image)
    for number, shape in enumerate(content["shapes"], start=1):
        corners = _corners(shape)
        if shape.get("shape_type") in _WITHOUT_BOX:
            text = f"shape {number} is a {shape['shape_type']}"
            builder.issue("shape-without-box", path, text, image.path)
        elif corners is None:
            text = f"shape {number} is not a rectangle, polygon or circle"
            builder.issue("annotation-numbers", path, text, image.path)
        else:
            label = builder.label(str(shape.get("label") or "").strip())
            builder.box(index, label, corners, number)


def _image_of(path: Path, named: str, of_its_name: Sequence[str], files: Files) -> tuple[Path, str]:
    """An annotation's image: the one that it names, unless another has the file's own name.

    Args:
        path: The annotation file.
        named: The name in it.
        of_its_name: The images of the file's own name.
        files: The files of the data set.

    Returns:
        The image's path, and the name that it is known by; nothing where that is the file's own.
    """
    found = files.image(named, (files.folder_of(path), "images"))
    if of_its_name and (found is None or found.stem != files.path(of_its_name[0]).stem):
        return files.path(of_its_name[0]), ""
    return found or path.parent / relative_name(named), named


def _corners(shape: dict[str, Any]) -> list[float] | None:
    """The box around a shape; None where it is of another form."""
    try:
        return _enclosing(shape.get("points") or (), shape.get("shape_type"))
    except MALFORMED:
        return None


def _enclosing(points: Sequence[Sequence[float]], kind: str | None) -> list[float] | None:
    """The box around a shape, None for a shape that encloses nothing."""
    if len(points) < 2:
        return None
    if kind == "circle":
        (x, y), edge = points[0], points[1]
        radius = dist((x, y), edge)
        return centred(x, y, radius, radius)
    return around(points)


LAYOUT = Layout(
    name="LabelMe",
    looks_for="LabelMe (a JSON file for each image)",
    notation=Notation("corners", "shape", file_per_image=True),
    find=_find,
    read=_read,
)
