"""YOLO: a label file for each image, and ``data.yaml`` with the classes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.records import ImageRecord


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield "data.yaml", "train: images\nval: images\nnames:\n"
    for number, name in enumerate(manifest.classes):
        yield "data.yaml", f"  {number}: {json.dumps(name, ensure_ascii=False)}\n"
    for record in records:
        yield f"labels/{record.place}.txt", "".join(_lines(record))


def _lines(record: ImageRecord) -> Iterator[str]:
    """Class, centre and size in parts of the image's sides."""
    width, height = record.image.width, record.image.height
    for each in record.detections:
        box = each.box
        centre = (box.x1 + box.x2) / 2 / width, (box.y1 + box.y2) / 2 / height
        values = (*centre, (box.x2 - box.x1) / width, (box.y2 - box.y1) / height)
        yield f"{each.class_id} {' '.join(f'{value:.8f}' for value in values)}\n"


YOLO = ResultFormat("yolo", _parts)
