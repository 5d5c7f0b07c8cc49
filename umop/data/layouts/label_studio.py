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
    for number, region in enumerate(regions, start=1):
        place = f"{number} of {Path(written).name}"
        value = region.get("value") or region
        if (labels := _labels(value)) is None:
            continue  # a choice or a text, which is no region
        try:
            corners = _corners(value, region)
        except MALFORMED:
            text = f"region {place} is not a rectangle, ellipse or polygon"
            builder.issue("shape-without-box", source, text, path)
            continue
        for label in labels:
            builder.box(index, builder.label(str(label)), corners, place)


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
    boxes = sum(_labels(region.get("value") or region) is not None for region in regions)
    if boxes:
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
        yield from (each for each in json_objects(value) if _labels(each) is not None)


def _labels(value: dict[str, Any]) -> list[str] | None:
    """The classes of a region; None where it is not a region of an image."""
    found = [each for key, each in value.items() if key.endswith("labels")]
    return found[0] if found and isinstance(found[0], list) else None


def _image_name(data: dict[str, Any]) -> str | None:
    """The image of a task, whatever its key is."""
    texts = [value for value in data.values() if isinstance(value, str) and "/" in value]
    found = data.get("image") or next(iter(texts), None)
    return unquote(found).removeprefix(_LOCAL) if isinstance(found, str) else None


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
