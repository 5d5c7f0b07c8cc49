"""Label Studio: its JSON, a list of tasks, and JSON-MIN, a list of images; sides in percent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import split_of_list
from umop.data.files.outline import json_objects
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.label_studio.regions import Tags, is_region, region_corners, tags_of
from umop.data.layouts.layout import MALFORMED, Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import pixels
from umop.system.console import counted

_UPLOADED = re.compile(r"(^|.*/)[0-9a-f]{8}-(?=[^/]+$)")
"""What Label Studio puts before the name of a file that a person uploads."""
_FORM = "Label Studio's JSON"
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
    tasks = {path: _tasks(path, builder) for path in found}
    tags = tags_of(_drawn(task) for each in tasks.values() for task in json_objects(each))
    for path in found:
        with noting_unreadable(path, _FORM, builder):
            first: dict[str, Any] = {}
            for task in tasks[path]:
                if _is_by_another(task, first):
                    boxes = len(list(tags.boxes(list(_regions_of_image(task)))))
                    _note_unused("by another person", boxes, task, path, files, builder)
                else:
                    _read_task(task, tags, path, files, builder)
    builder.sort_classes()


def _tasks(path: Path, builder: Builder) -> list[Any]:
    """The tasks of a file; what cannot be read is noted."""
    with noting_unreadable(path, _FORM, builder):
        return list(read_json(path))
    return []


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


def _read_task(
    task: dict[str, Any], tags: Tags, source: Path, files: Files, builder: Builder
) -> None:
    """Reads one task, and notes what of it is not taken.

    Args:
        task: The task.
        tags: Those with classes.
        source: The annotation file.
        files: The files of the data set.
        builder: Takes the image.
    """
    regions = _regions(task)
    if isinstance(task.get("data"), dict):
        for kind, unused in _unused_regions(task).items():
            boxes = len(list(tags.boxes(unused)))
            _note_unused(kind, boxes, task, source, files, builder)
    helpers = tags.helpers(regions or ())
    _note_unused("of a tag that has no labels", helpers, task, source, files, builder)
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
    for number, region, labels in tags.boxes(regions):
        place = f"{number} of {Path(written).name}"
        try:
            box = region_corners(region)
        except MALFORMED:
            text = f"region {place} is not a rectangle, ellipse or polygon"
            builder.issue("shape-without-box", source, text, path)
            continue
        for label in labels:
            builder.box(index, builder.label(label), box, place)


def _note_unused(
    kind: str,
    boxes: int,
    task: dict[str, Any],
    source: Path,
    files: Files,
    builder: Builder,
) -> None:
    """Notes the boxes of a task that are not taken.

    Args:
        kind: Whose they are.
        boxes: How many.
        task: The task.
        source: The annotation file.
        files: The files of the data set.
        builder: Takes the note.
    """
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


def _drawn(task: dict[str, Any]) -> list[dict[str, Any]]:
    """All that persons have drawn."""
    results = [each for done in _done(task) for each in json_objects(done.get("result"))]
    return results if isinstance(task.get("data"), dict) else list(_regions_of_image(task))


def _done(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The annotations of a task, finished or cancelled."""
    return json_objects(task.get("annotations") or task.get("completions"))


def _regions_of_image(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The regions of JSON-MIN, which stand under the name of the labelling interface's tag."""
    for tag, value in task.items():
        regions = filter(is_region, json_objects(value))
        yield from ({**each, "from_name": tag} for each in regions)


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


LAYOUT = Layout(
    name="Label Studio",
    looks_for="Label Studio's JSON or JSON-MIN",
    notation=Notation("corners", "region"),
    find=json_files(_is_label_studio),
    read=_read,
)
