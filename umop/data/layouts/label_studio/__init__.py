"""Label Studio: its JSON, a list of tasks, and JSON-MIN, a list of images; sides in percent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.outline import json_objects
from umop.data.files.reading import read_json
from umop.data.files.tree import Files
from umop.data.layouts.label_studio.images import (
    canvases,
    image_name,
    image_of_regions,
    without_upload,
)
from umop.data.layouts.label_studio.regions import Tags, is_region, region_corners, tags_of
from umop.data.layouts.layout import MALFORMED, Layout, json_files, noting_unreadable
from umop.data.layouts.shapes import pixels
from umop.system.console import counted

_FORM = "Label Studio's JSON"


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
    drawn = [_drawn(task) for each in tasks.values() for task in json_objects(each)]
    tags, known = tags_of(drawn), canvases(region for regions in drawn for region in regions)
    for path in found:
        with noting_unreadable(path, _FORM, builder):
            first: dict[str, Any] = {}
            for task in tasks[path]:
                if _is_by_another(task, first):
                    boxes = len(list(tags.boxes(list(_regions_of_image(task)))))
                    _note_unused("by another person", boxes, task, path, files, builder)
                else:
                    _read_task(task, tags, known, path, files, builder)
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
    return bool(first.setdefault(f"{task.get('id')} {image_name(task)}", annotation) != annotation)


def _read_task(
    task: dict[str, Any],
    tags: Tags,
    known: set[str],
    source: Path,
    files: Files,
    builder: Builder,
) -> None:
    """Reads one task, and notes what of it is not taken.

    Args:
        task: The task.
        tags: Those with classes.
        known: The tags that are drawn on.
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
    if regions is None:
        return
    try:
        written = image_of_regions(
            task.get("data") or task, regions, known, lambda name: _found(name, source, files)
        )
    except ValueError as error:
        text = f"task {task.get('id', 'without id')}: {error}: give each image a task of its own"
        builder.issue("annotations-unreadable", source, text)
        return
    if written is None:
        return
    sides = next((region for region in regions if "original_width" in region), {})
    path = _path(written, source, files)
    image = Image(
        path=path,
        source=source,
        split=files.split_of_list(source),
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
        written = image_name(task.get("data") or task)
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


def _path(written: str, source: Path, files: Files) -> Path:
    """An image's path, with or without what Label Studio puts before its name."""
    last = Path(without_upload(written)).name
    found = _found(written, source, files)
    return found or files.image_or_expected(last, files.near(source))


def _found(written: str, source: Path, files: Files) -> Path | None:
    """The image of a name, with or without what Label Studio puts before it."""
    last = Path(written).name
    names = dict.fromkeys((written, last, without_upload(last)))
    return next(filter(None, (files.image(name, files.near(source)) for name in names)), None)


LAYOUT = Layout(
    name="Label Studio",
    looks_for="Label Studio's JSON or JSON-MIN",
    notation=Notation("corners", "region"),
    find=json_files(_is_label_studio),
    read=_read,
)
