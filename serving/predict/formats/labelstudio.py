"""Label Studio: tasks whose predictions a person corrects, and the interface to do so in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.lists import json_list
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.item import Item
from serving.predict.inputs.web import is_url
from serving.schemas.labelstudio import (
    labelstudio_interface,
    labelstudio_region,
    labelstudio_task,
)

_FILE = "labelstudio.json"
_LOCAL = "/data/local-files/?d="


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield "config.xml", labelstudio_interface(manifest.classes)
    model = f"{manifest.name} {manifest.version}"
    for text in json_list(json.dumps(_task(each, model), ensure_ascii=False) for each in records):
        yield _FILE, text
    yield _FILE, "\n"


def _task(record: ImageRecord, model: str) -> dict[str, Any]:
    name = record.name
    url = name if is_url(name) else _LOCAL + quote(name.lstrip("/"), errors="replace")
    result = [
        labelstudio_region(str(i), each.label, each.box.corners, record.image.sides, each.score)
        for i, each in enumerate(record.detections)
    ]
    return labelstudio_task(url, predictions={"model_version": model, "result": result})


def _refusal(item: Item, place: str) -> str | None:
    """Label Studio opens files and addresses."""
    if item.is_file:
        return None
    return "it is no file of its own: unpack zips and take frames out of videos"


RESULT_FORMAT = ResultFormat(_parts, _FILE, refusal=_refusal, has_paths=True)
