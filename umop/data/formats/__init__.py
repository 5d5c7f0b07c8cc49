"""The formats that data sets are written in."""

from umop.data.formats import coco, cvat, labelstudio, voc, yolo
from umop.data.formats.format import Format, Labelled

EXPORT_FORMATS = {
    each.name: each
    for each in (coco.FORMAT, yolo.FORMAT, voc.FORMAT, labelstudio.FORMAT, cvat.FORMAT)
}

__all__ = ["EXPORT_FORMATS", "Format", "Labelled"]
