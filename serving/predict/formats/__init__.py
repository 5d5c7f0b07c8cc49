"""Formats of results: a module for each, registered here."""

from serving.predict.formats.coco import COCO
from serving.predict.formats.csv import CSV
from serving.predict.formats.format import ResultFormat
from serving.predict.formats.json import JSON
from serving.predict.formats.labelstudio import LABEL_STUDIO
from serving.predict.formats.voc import VOC
from serving.predict.formats.yolo import YOLO

__all__ = ["RESULT_FORMATS", "ResultFormat"]

RESULT_FORMATS = {each.name: each for each in (JSON, CSV, COCO, YOLO, VOC, LABEL_STUDIO)}
