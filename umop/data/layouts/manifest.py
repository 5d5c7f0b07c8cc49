"""The manifests of AWS Ground Truth and Rekognition: a line of JSON for each image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image, Notation
from umop.data.files.names import without_scheme
from umop.data.files.tree import Files
from umop.data.layouts.layout import Layout, read_json_lines
from umop.data.layouts.shapes import pixels
from umop.system.console import counted

_IMAGE = "source-ref"
_BOXES = "annotations"
_METADATA = "-metadata"
_ADJUSTED = "adjustment-status"
"""What the metadata of a job has that corrects another's boxes."""
_FAILURE = "failure-reason"
_SIDES = ("left", "top", "width", "height")
_LONGEST_SHOWN = 60


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
        if reason := _undone(entry):
            return builder.issue("image-unlabelled", source, f"line {number}: {reason}", path)
        job, *corrected = _jobs(entry)
        sides = (entry[job].get("image_size") or [{}])[0]
        size = (pixels(sides.get("width")), pixels(sides.get("height")))
        names = _metadata(entry, job).get("class-map") or {}
        boxes = list(_boxes(entry[job][_BOXES], names))
        split = files.split_of_list(source)
        index = builder.image(Image(path, source, split, *size, written=written))
        for label, corners in boxes:
            builder.box(index, builder.label(label), corners, number)
        for other in corrected:
            count = counted(len(entry[other][_BOXES]), "box")
            text = f"line {number}: {count} of {other}, which {job} corrects"
            builder.issue_of(index, "annotation-unused", text)
        return None

    read_json_lines(found, "a manifest's", builder, read_entry)
    builder.sort_classes()


def _undone(entry: dict[str, Any]) -> str | None:
    """Says why a line has no boxes that a job got done; None where it has."""
    if _labelled(entry):
        return None
    for key in entry:
        if reason := _metadata(entry, key).get(_FAILURE):
            return f"{key} failed: {str(reason)[:_LONGEST_SHOWN]}"
    return "no job has drawn its boxes"


def _jobs(entry: dict[str, Any]) -> list[str]:
    """The jobs that have labelled a line: what counts, and those that it corrects.

    Raises:
        ValueError: Several jobs have, and none corrects the others.
    """
    jobs = _labelled(entry)
    first = [job for job in jobs if _ADJUSTED not in _metadata(entry, job)]
    if len(first) > 1:
        raise ValueError(f"{' and '.join(first)} both have boxes: keep one of them")

    def made(job: str) -> tuple[bool, str]:
        return job not in first, str(_metadata(entry, job).get("creation-date", ""))

    return sorted(jobs, key=made, reverse=True)


def _labelled(entry: dict[str, Any]) -> list[str]:
    """The jobs with boxes that did not fail."""
    jobs = (key for key, value in entry.items() if isinstance(value, dict) and _BOXES in value)
    return [job for job in jobs if not _metadata(entry, job).get(_FAILURE)]


def _metadata(entry: dict[str, Any], job: str) -> dict[str, Any]:
    found = entry.get(f"{job.removesuffix(_METADATA)}{_METADATA}")
    return found if isinstance(found, dict) else {}


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
