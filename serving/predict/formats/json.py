"""One JSON document: the model, and for each image what ``POST /detect`` answers."""

from __future__ import annotations

from collections.abc import Iterator

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.lists import json_list
from serving.schemas.detections import ModelRef

_FILE = "predictions.json"
_KEPT = {"name", "image", "detections"}


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    model = ModelRef(name=manifest.name, version=manifest.version).model_dump_json()
    yield _FILE, f'{{"model": {model},\n"results": '
    for text in json_list(each.model_dump_json(include=_KEPT) for each in records):
        yield _FILE, text
    yield _FILE, "}\n"


RESULT_FORMAT = ResultFormat(_parts, _FILE)
