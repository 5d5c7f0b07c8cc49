"""The manifests of AWS Ground Truth and Rekognition: a line of JSON for each image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import split_of_list, without_scheme
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, read_json_lines
from umop.data.layouts.shapes import pixels

_IMAGE = "source-ref"
_SIDES = ("left", "top", "width", "height")


def _find(files: Files) -> list[Path]:
    """The files whose first line names an image."""
    found = files.matching(".manifest", ".jsonl", ".json")
    outlines = ((path, files.outline(path)) for path in found)
    return [path for path, line in outlines if isinstance(line, dict) and _IMAGE in line]


def _read(files: Files, found: Sequence[Path], builder: Builder) -> None:
    """Reads all lines."""

    def read_entry(entry: dict[str, Any], number: int, source: Path) -> None:
        written = without_scheme(entry[_IMAGE])
        path = files.of_bucket(written, source)
        job = next((k for k, v in entry.items() if isinstance(v, dict) and "annotations" in v), "")
        labelled = entry.get(job) or {}
        sides = (labelled.get("image_size") or [{}])[0]
        size = (pixels(sides.get("width")), pixels(sides.get("height")))
        names = (entry.get(f"{job}-metadata") or {}).get("class-map") or {}
        boxes = list(_boxes(labelled.get("annotations", ()), names))
        split = split_of_list(source, files.root)
        index = builder.image(Image(path, source, split, *size, written=written))
        for label, corners in boxes:
            builder.box(index, builder.label(label), corners, number)

    read_json_lines(found, "a manifest's", builder, read_entry)
    builder.sort_classes()


def _boxes(
    written: Iterable[dict[str, Any]], names: dict[str, str]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The class and the corners of each box."""
    for box in written:
        left, top, width, height = (float(box[side]) for side in _SIDES)
        label = str(box["class_id"])
        yield names.get(label, label), (left, top, left + width, top + height)


LAYOUT = Layout(
    name="Ground Truth manifest",
    looks_for="a manifest of AWS Ground Truth (output.manifest)",
    notation=Notation("corner and size", "line"),
    find=_find,
    read=_read,
)
