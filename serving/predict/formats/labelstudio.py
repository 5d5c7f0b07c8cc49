"""Label Studio: tasks whose predictions a person corrects, and the interface to do so in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.lists import json_list
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.item import Item
from serving.predict.inputs.web import is_url
from serving.schemas.detections import Detection, ImageInfo
from serving.schemas.xml import element, text_of

_FILE = "labelstudio.json"
_IMAGE, _LABEL = "image", "label"
_LOCAL = "/data/local-files/?d="


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield "config.xml", text_of(_interface(manifest))
    model = f"{manifest.name} {manifest.version}"
    for text in json_list(json.dumps(_task(each, model), ensure_ascii=False) for each in records):
        yield _FILE, text
    yield _FILE, "\n"


def _interface(manifest: Manifest) -> ElementTree.Element:
    view = ElementTree.Element("View")
    element(view, "Image", name=_IMAGE, value=f"${_IMAGE}")
    labels = element(view, "RectangleLabels", name=_LABEL, toName=_IMAGE)
    for name in manifest.classes:
        element(labels, "Label", value=name)
    return view


def _task(record: ImageRecord, model: str) -> dict[str, Any]:
    name = record.name
    url = name if is_url(name) else _LOCAL + quote(name.lstrip("/"), errors="replace")
    result = [_region(str(i), record.image, each) for i, each in enumerate(record.detections)]
    return {"data": {_IMAGE: url}, "predictions": [{"model_version": model, "result": result}]}


def _region(key: str, image: ImageInfo, found: Detection) -> dict[str, Any]:
    """A box, whose places are percents of the sides."""
    box = found.box
    return {
        "id": key,
        "type": "rectanglelabels",
        "from_name": _LABEL,
        "to_name": _IMAGE,
        "original_width": image.width,
        "original_height": image.height,
        "image_rotation": 0,
        "score": found.score,
        "value": {
            "x": 100 * box.x1 / image.width,
            "y": 100 * box.y1 / image.height,
            "width": 100 * (box.x2 - box.x1) / image.width,
            "height": 100 * (box.y2 - box.y1) / image.height,
            "rotation": 0,
            "rectanglelabels": [found.label],
        },
    }


def _refusal(item: Item, place: str) -> str | None:
    """Label Studio opens files and addresses."""
    if item.is_file:
        return None
    return "it is no file of its own: unpack zips and take frames out of videos"


LABEL_STUDIO = ResultFormat("labelstudio", _parts, _FILE, refusal=_refusal, has_paths=True)
