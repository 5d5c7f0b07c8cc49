"""YOLO: a label file for each image, and ``data.yaml`` with the classes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.places import own_place
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.item import Item
from serving.schemas.yolo import yolo_line

_FOLDER = "labels"


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield "data.yaml", "train: images\nval: images\nnames:\n"
    for number, name in enumerate(manifest.classes):
        yield "data.yaml", f"  {number}: {json.dumps(name, ensure_ascii=False)}\n"
    for record in records:
        yield f"{_FOLDER}/{record.place}.txt", "".join(_lines(record))


def _lines(record: ImageRecord) -> Iterator[str]:
    for each in record.detections:
        yield yolo_line(each.class_id, each.box.corners, record.image.sides)


def _refusal(item: Item, place: str) -> str | None:
    """YOLO finds labels by the image's name, so that those of another would count for it."""
    if place == (own := own_place(item.name)):
        return None
    return f"another image has {_FOLDER}/{own}.txt: rename one of them"


RESULT_FORMAT = ResultFormat(_parts, folder=_FOLDER, refusal=_refusal)
