"""YOLO: a label file for each image, and ``data.yaml`` with the classes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.places import own_place
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.item import Item

_FOLDER = "labels"


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield "data.yaml", "train: images\nval: images\nnames:\n"
    for number, name in enumerate(manifest.classes):
        yield "data.yaml", f"  {number}: {json.dumps(name, ensure_ascii=False)}\n"
    for record in records:
        yield f"{_FOLDER}/{record.place}.txt", "".join(_lines(record))


def _lines(record: ImageRecord) -> Iterator[str]:
    """Class, centre and size in parts of the image's sides."""
    width, height = record.image.width, record.image.height
    for each in record.detections:
        box = each.box
        centre = (box.x1 + box.x2) / 2 / width, (box.y1 + box.y2) / 2 / height
        values = (*centre, (box.x2 - box.x1) / width, (box.y2 - box.y1) / height)
        yield f"{each.class_id} {' '.join(f'{value:.8f}' for value in values)}\n"


def _refusal(item: Item, place: str) -> str | None:
    """YOLO finds labels by the image's name, so that those of another would count for it."""
    if place == (own := own_place(item.name)):
        return None
    return f"another image has {_FOLDER}/{own}.txt: rename one of them"


YOLO = ResultFormat("yolo", _parts, folder=_FOLDER, refusal=_refusal)
