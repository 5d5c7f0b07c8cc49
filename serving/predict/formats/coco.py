"""One COCO data set of all images, whose annotations have scores, as the service's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.lists import json_list
from serving.schemas.coco import CocoImage, annotation, categories, ids_by_class

_FILE = "coco.json"


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    """Goes over the records twice: annotations stand behind the images."""
    records = list(records) if isinstance(records, Iterator) else records
    ids = ids_by_class(manifest.classes)
    sections = {
        "images": _images(records),
        "annotations": _annotations(records, ids),
        "categories": _categories(ids),
    }
    start = "{"
    for name, entries in sections.items():
        yield _FILE, f'{start}"{name}": '
        for text in json_list(entries):
            yield _FILE, text
        start = ",\n"
    yield _FILE, "}\n"


def _images(records: Records) -> Iterator[str]:
    for number, record in enumerate(records, 1):
        size = record.image.model_dump()
        yield CocoImage(id=number, file_name=record.name, **size).model_dump_json()


def _annotations(records: Records, ids: dict[str, int]) -> Iterator[str]:
    numbers = count(1)
    for image, record in enumerate(records, 1):
        for each in record.detections:
            yield annotation(next(numbers), image, each, ids).model_dump_json()


def _categories(ids: dict[str, int]) -> Iterator[str]:
    """Comes behind the annotations: a service that changed its model may have answered others."""
    for each in categories(ids):
        yield each.model_dump_json()


RESULT_FORMAT = ResultFormat(_parts, _FILE)
