"""Pascal VOC: an XML file for each image in ``Annotations/``."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.records import ImageRecord
from serving.schemas.xml import element, text_of

_FOLDER = "Annotations"
_CORNERS = {"xmin": "x1", "ymin": "y1", "xmax": "x2", "ymax": "y2"}


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    for record in records:
        yield f"{_FOLDER}/{record.place}.xml", text_of(_annotation(record))


def _annotation(record: ImageRecord) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    element(root, "filename", record.name)
    size = element(root, "size")
    for side, value in {**record.image.model_dump(), "depth": 3}.items():
        element(size, side, str(value))
    for each in record.detections:
        item = element(root, "object")
        element(item, "name", each.label)
        box = element(item, "bndbox")
        for name, side in _CORNERS.items():
            element(box, name, f"{getattr(each.box, side):.10g}")
    return root


VOC = ResultFormat("voc", _parts, folder=_FOLDER)
