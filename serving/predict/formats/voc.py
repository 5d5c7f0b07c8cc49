"""Pascal VOC: an XML file for each image in ``Annotations/``."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.records import ImageRecord
from serving.schemas.voc import voc_annotation, voc_object
from serving.schemas.xml import text_of

_FOLDER = "Annotations"


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    for record in records:
        yield f"{_FOLDER}/{record.place}.xml", text_of(_annotation(record))


def _annotation(record: ImageRecord) -> ElementTree.Element:
    root = voc_annotation(record.name, record.image.sides)
    for each in record.detections:
        voc_object(root, each.label, each.box.corners)
    return root


RESULT_FORMAT = ResultFormat(_parts, folder=_FOLDER)
