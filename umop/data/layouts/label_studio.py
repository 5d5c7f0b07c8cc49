"""Label Studio: its JSON, a list of tasks, and JSON-MIN, a list of images; sides in percent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import cos, radians, sin
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import split_of_list
from umop.data.files.outline import json_objects
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.layout import MALFORMED, Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import around, pixels
from umop.system.console import counted

_UPLOADED = re.compile(r"(^|.*/)[0-9a-f]{8}-(?=[^/]+$)")
"""What Label Studio puts before the name of a file that a person uploads."""
_LOCAL = "/data/local-files/?d="
_SHAPES = (("x", "y", "width", "height"), ("x", "y", "radiusX", "radiusY"), ("points",))
"""What the values of rectangles, ellipses and polygons have."""


def _is_label_studio(content: Any) -> bool:
    """Whether an outline is that of tasks with results, or of images with percentages."""
    return any(
        (isinstance(each.get("data"), dict) and ("annotations" in each or "completions" in each))
        or any("original_width" in region for region in _regions_of_image(each))
        for each in json_objects(content)
    )


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads the tasks that a person has finished; of several annotations the first."""
    for path in found:
        with noting_unreadable(path, "Label Studio's JSON", builder):
            first: dict[str, Any] = {}
            for task in read_json(path):
                if _is_by_another(task, first):
                    regions = list(_regions_of_image(task))
                    _note_unused("by another person", regions, task, path, files, builder)
                else:
                    _read_task(task, path, files, builder)
    builder.sort_classes()


def _is_by_another(task: dict[str, Any], first: dict[str, Any]) -> bool:
    """Whether a row of JSON-MIN is one more annotation of a task, which have a row each.

    Args:
        task: The row.
        first: The annotation of each task before; takes this one if it is the first.
    """
    annotation = task.get("annotation_id")
    if annotation is None or "data" in task:
        return False
    return bool(first.setdefault(f"{task.get('id')} {_image_name(task)}", annotation) != annotation)


def _read_task(task: dict[str, Any], source: Path, files: Files, builder: Builder) -> None:
    if isinstance(task.get("data"), dict):
        for kind, unused in _unused_regions(task).items():
            _note_unused(kind, unused, task, source, files, builder)
    regions = _regions(task)
    written = _image_name(task.get("data") or task)
    if regions is None or written is None:
        return
    sides = next((region for region in regions if "original_width" in region), {})
    path = _path(written, source, files)
    image = Image(
        path=path,
        source=source,
        split=split_of_list(source, files.root),
        width=pixels(sides.get("original_width")),
        height=pixels(sides.get("original_height")),
        written=written,
    )
    index = builder.image(image)
    for number, region, labels in _boxes(regions):
        place = f"{number} of {Path(written).name}"
        try:
            corners = _corners(_value(region), region)
        except MALFORMED:
            text = f"region {place} is not a rectangle, ellipse or polygon"
            builder.issue("shape-without-box", source, text, path)
            continue
        for label in labels:
            builder.box(index, builder.label(label), corners, place)


def _note_unused(
    kind: str,
    regions: Sequence[dict[str, Any]],
    task: dict[str, Any],
    source: Path,
    files: Files,
    builder: Builder,
) -> None:
    """Notes the boxes of a task that are not taken.

    Args:
        kind: Whose they are.
        regions: Regions, of which some may be no box.
        task: The task.
        source: The annotation file.
        files: The files of the data set.
        builder: Takes the note.
    """
    if boxes := len(list(_boxes(regions))):
        written = _image_name(task.get("data") or task)
        name = "" if written is None else f" ({Path(written).name})"
        text = f"task {task.get('id', 'without id')}{name}: {counted(boxes, 'box')} {kind}"
        path = None if written is None else _path(written, source, files)
        builder.issue("annotation-unused", source, text, path)


def _regions(task: dict[str, Any]) -> list[dict[str, Any]] | None:
    """What a person has drawn; None for a task that nobody has finished."""
    if not isinstance(task.get("data"), dict):
        return list(_regions_of_image(task))
    finished = [each for each in _done(task) if not each.get("was_cancelled")]
    return finished[0]["result"] if finished else None


def _unused_regions(task: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What a task holds beside the first finished annotation, by whose it is."""
    finished = [each for each in _done(task) if not each.get("was_cancelled")]
    kinds = {
        "by another person": finished[1:],
        "in a cancelled annotation": [each for each in _done(task) if each.get("was_cancelled")],
        "in a draft": json_objects(task.get("drafts")),
        "predicted by a model": json_objects(task.get("predictions")),
    }
    return {
        kind: [region for each in annotations for region in json_objects(each.get("result"))]
        for kind, annotations in kinds.items()
    }


def _done(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The annotations of a task, finished or cancelled."""
    return json_objects(task.get("annotations") or task.get("completions"))


def _regions_of_image(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The regions of JSON-MIN, which stand under the name of the labelling interface's tag."""
    for value in task.values():
        yield from (each for each in json_objects(value) if _is_region(each))


def _boxes(
    regions: Sequence[dict[str, Any]],
) -> Iterator[tuple[int, dict[str, Any], Sequence[str]]]:
    """The regions, each with its number from 1 and its classes: a blank one where it has none.

    A region may stand in several results, of which one has its class.
    """
    known = {_identity(each) for each in regions if _labels(_value(each))}
    for number, region in enumerate(regions, start=1):
        if labels := _labels(_value(region)):
            yield number, region, labels
        elif _is_region(_value(region)) and _identity(region) not in known:
            known.add(_identity(region))
            yield number, region, ("",)


def _value(region: dict[str, Any]) -> dict[str, Any]:
    """What a result says of a region, which in JSON-MIN is the result itself."""
    value = region.get("value")
    return value if isinstance(value, dict) else region


def _identity(region: dict[str, Any]) -> str:
    """What the results of one region share: its id, or in JSON-MIN its shape."""
    value = _value(region)
    return str(region.get("id") or [value.get(name) for names in _SHAPES for name in names])


def _is_region(value: dict[str, Any]) -> bool:
    """Whether a value is of a part of an image, not of a choice or a text."""
    has_shape = any(value.keys() >= set(names) for names in _SHAPES)
    return has_shape or bool(_lists_of_labels(value))


def _labels(value: dict[str, Any]) -> list[str]:
    """The classes of a region; nothing where it has none."""
    found = next(filter(None, _lists_of_labels(value)), [])
    return [str(label or "").strip() for label in found]


def _lists_of_labels(value: dict[str, Any]) -> list[list[Any]]:
    return [
        each for key, each in value.items() if key.endswith("labels") and isinstance(each, list)
    ]


def _image_name(data: dict[str, Any]) -> str | None:
    """The image of a task, whatever its key is."""
    texts = [value for value in data.values() if isinstance(value, str) and "/" in value]
    found = data.get("image") or next(iter(texts), None)
    if not isinstance(found, str):
        return None
    before, is_local, local = found.partition(_LOCAL)
    if is_local:
        return unquote(local)
    return unquote(before.partition("?")[0] if "://" in before else before)


def _path(written: str, source: Path, files: Files) -> Path:
    """An image's path, with or without what Label Studio puts before its name."""
    last = Path(_UPLOADED.sub(r"\1", written)).name
    found = (files.image(name, files.near(source)) for name in (written, Path(written).name))
    return next(filter(None, found), None) or files.image_or_expected(last, files.near(source))


def _corners(value: dict[str, Any], region: dict[str, Any]) -> list[float]:
    """The box around a region, in pixels."""
    across, down = (float(region[f"original_{side}"]) / 100 for side in ("width", "height"))
    if "points" in value:
        return around([(x * across, y * down) for x, y in value["points"]])
    x, y = value["x"] * across, value["y"] * down
    if "radiusX" in value:
        half = value["radiusX"] * across, value["radiusY"] * down
        return [x - half[0], y - half[1], x + half[0], y + half[1]]
    width, height = value["width"] * across, value["height"] * down
    angle = radians(value.get("rotation") or 0)
    sides = [(0, 0), (width, 0), (width, height), (0, height)]
    return around(
        [
            (x + dx * cos(angle) - dy * sin(angle), y + dx * sin(angle) + dy * cos(angle))
            for dx, dy in sides
        ]
    )


LAYOUT = Layout(
    name="Label Studio",
    looks_for="Label Studio's JSON or JSON-MIN",
    notation=Notation("corners", "region"),
    find=json_files(_is_label_studio),
    read=_read,
)
