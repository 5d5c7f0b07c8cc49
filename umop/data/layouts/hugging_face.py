"""Hugging Face's folders of images: metadata.jsonl, with a line of JSON for each image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, read_json_lines

_LABELS = ("categories", "category", "labels", "label")


def _find(files: Files) -> list[Path]:
    """The files whose first line names an image and has its boxes, or none beside such files."""
    outlines = {path: files.outline(path) for path in files.matching(".jsonl")}
    named = {
        path: line.get("objects")
        for path, line in outlines.items()
        if isinstance(line, dict) and line.keys() >= {"file_name", "objects"}
    }
    if not any(map(_has_boxes, named.values())):
        return []
    return [path for path, objects in named.items() if objects is None or _has_boxes(objects)]


def _has_boxes(objects: Any) -> bool:
    """Whether an image's objects are a list of boxes, which may be empty."""
    return isinstance(objects, dict) and "bbox" in objects


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all lines."""

    def read_entry(entry: dict[str, Any], number: int, source: Path) -> None:
        written = entry["file_name"]
        boxes = list(_boxes(entry.get("objects") or {}))
        path = files.image_or_expected(written, files.near(source))
        split = files.split_of_list(source) or files.split_of(path)
        index = builder.image(Image(path, source, split, written=written))
        for label, corners in boxes:
            builder.box(index, builder.label(label), corners, number)

    read_json_lines(found, "Hugging Face's", builder, read_entry)
    builder.sort_classes()


def _boxes(objects: dict[str, Any]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The class and the corners of each box.

    Raises:
        ValueError: There are not as many classes as boxes, or a box has not four numbers.
        TypeError: A value has another type than it should.
    """
    boxes = objects.get("bbox", [])
    labels: list[Any] = next((objects[name] for name in _LABELS if name in objects), [])
    if len(boxes) != len(labels):
        raise ValueError(f"boxes: {len(boxes)}, categories: {len(labels)}")
    for box, label in zip(boxes, labels, strict=True):
        x, y, width, height = map(float, box)
        yield str(label), (x, y, x + width, y + height)


LAYOUT = Layout(
    name="Hugging Face",
    looks_for="Hugging Face's metadata.jsonl",
    notation=Notation("corner and size", "line"),
    find=_find,
    read=_read,
)
