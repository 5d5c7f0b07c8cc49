"""Formats that are not read, by what they are known by, and what to export in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from umop.data.files.names import is_image
from umop.data.files.outline import entries, json_objects
from umop.data.files.reading import head
from umop.data.files.tree import Files
from umop.data.layouts.rows import first_row

_JSON: dict[str, Callable[[Any], bool]] = {
    "Datumaro's JSON: export it as COCO": lambda each: (
        "items" in each and isinstance(each.get("categories"), dict)
    ),
    "V7 Darwin's JSON: export it as COCO": lambda each: (
        isinstance(each.get("item"), dict) and "annotations" in each
    ),
    "VIA 3's project: export it as COCO": lambda each: (
        {"project", "file", "metadata"} <= each.keys()
    ),
    "VoTT's JSON: export it as Pascal VOC": lambda each: "asset" in each or "assets" in each,
    "Hasty's JSON: export it as COCO": lambda each: "export_format_version" in each,
    "BDD100K's JSON: convert it with bdd100k.label.to_coco": lambda each: (
        "labels" in each and "name" in each and "attributes" in each
    ),
    "Cityscapes' polygons: convert them to COCO": lambda each: "imgHeight" in each,
    "Labelbox's export: convert it to COCO with its SDK": lambda each: (
        "data_row" in each or "Labeled Data" in each
    ),
    "SuperAnnotate's JSON: export it as COCO": lambda each: (
        "instances" in each and "metadata" in each
    ),
    "Scale AI's tasks: export them as COCO": lambda each: "task_id" in each and "response" in each,
    "Encord's labels: export them as COCO": lambda each: "label_hash" in each,
    "Dataloop's JSON: export it as COCO": lambda each: "itemMetadata" in each,
    "Segments.ai's release: export it as COCO": lambda each: (
        isinstance(each.get("dataset"), dict) and "samples" in each["dataset"]
    ),
    "FiftyOne's dataset: export it as COCO": lambda each: (
        any("filepath" in entry for entry in entries(each, "samples"))
        or ("classes" in each and isinstance(each.get("labels"), dict))
    ),
    "GeoJSON, whose places are on a map: cut it into tiles with COCO": lambda each: (
        each.get("type") == "FeatureCollection"
    ),
    "COCO's captions, which are not boxes: give instances_*.json": lambda each: any(
        "caption" in entry for entry in entries(each, "annotations")
    ),
    "COCO's panoptic masks: give instances_*.json": lambda each: any(
        "segments_info" in entry for entry in entries(each, "annotations")
    ),
    "Hugging Face's metadata, without a list of boxes: write them as COCO": lambda each: (
        "file_name" in each and "objects" in each
    ),
    "COCO's results, which have no images: give the annotations that they are of": lambda each: (
        {"image_id", "category_id", "score"} <= each.keys()
    ),
    "Label Studio's tasks with only a model's boxes: let a person finish them": lambda each: (
        isinstance(each.get("data"), dict)
        and bool(each.get("predictions"))
        and not each.get("annotations")
    ),
    "Prodigy's JSON lines: write them as COCO": lambda each: "spans" in each and "image" in each,
}
_XML = {
    "sequence": "UA-DETRAC's or another tracker's XML: convert it to COCO",
    "dataset": "dlib's XML: write it with imglab --convert, or as Pascal VOC",
    "tagset": "a list of text boxes (ICDAR): convert it to COCO",
    "opencv_storage": "OpenCV's XML: convert it to Pascal VOC",
}
_SUFFIXES = {
    (".tfrecord", ".tfrecords", ".record"): "TFRecord: export COCO or Pascal VOC",
    (".parquet", ".arrow", ".feather"): "a table of Hugging Face's: write the boxes as COCO",
    (".mat",): "MATLAB's: write its boxes as a CSV with image,x1,y1,x2,y2,label",
    (".shp", ".geojson", ".gpkg", ".kml"): "a map's shapes: cut it into tiles with COCO",
    (".odgt",): "CrowdHuman's: write its boxes as COCO",
    (".ndjson", ".jsonl"): "JSON lines, such as Labelbox's or Ultralytics': export COCO or YOLO",
    (".xlsx", ".xls", ".ods"): "a spreadsheet: save it as CSV with image,x1,y1,x2,y2,label",
}
"""Files that hold annotations, or nothing that is of a data set."""
SUFFIXES_OF_OTHERS = tuple(each for suffixes in _SUFFIXES for each in suffixes)
_BESIDE = {
    (".pkl", ".pickle", ".pth"): "a Python pickle, which is not opened: write its boxes as COCO",
    (".mp4", ".avi", ".mov", ".mkv"): "video: export its frames as images, and their boxes as COCO",
    (
        ".h5",
        ".hdf5",
        ".npz",
        ".lmdb",
        ".mdb",
    ): "arrays in a file: write images, and boxes as COCO",
}
"""Files that may hold annotations, or lie beside any data, such as weights."""
_MULTI_CLASS = "_classes.csv"
_LABEL_STUDIO = {"annotation_id", "lead_time"}
_NUMBERS = r"(-?[\d.]+,){4}"
_ROWS = (
    (re.compile(rf"([^,]+),{_NUMBERS}[^,]+"), ""),
    (re.compile(rf"([^,]+?)( {_NUMBERS}\d+)+"), ", a line image,x1,y1,x2,y2,label for each box"),
)
"""Boxes as keras-frcnn has them, and as Roboflow's exports for Keras and YOLOv4 in PyTorch."""
TRACKED = "MOT's or DarkLabel's, of a video: convert it to COCO"
_TRACKED_VALUES = 6
_LOOKED_AT = 20


def other_format(files: Files) -> str | None:
    """Says which format that is not read the annotations are in; None where nothing tells."""
    structured = (files.matching(".json", ".jsonl"), files.matching(".xml"))
    for path in (path for found in structured for path in found[:_LOOKED_AT]):
        if said := format_of_content(path, files):
            return f"{files.name(path)} is {said}. It is not read."
    return _of_suffix(files, _SUFFIXES) or _of_text(files)


def other_file(files: Files) -> str | None:
    """Names a file that may hold the annotations, or something else; None where there is none."""
    return _of_suffix(files, _BESIDE)


def _of_suffix(files: Files, known: Mapping[tuple[str, ...], str]) -> str | None:
    for suffixes, said in known.items():
        if found := files.matching(*suffixes):
            return f"{files.name(found[0])} is {said}. It is not read."
    return None


def format_of_content(path: Path, files: Files) -> str | None:
    """Says which format that is not read a JSON or XML file is in; None where nothing tells."""
    if path.suffix.casefold() == ".xml":
        return _XML.get(files.root_tag(path) or "")
    content = files.outline(path)
    for each in [content] if isinstance(content, dict) else json_objects(content):
        for said, is_one in _JSON.items():
            if is_one(each):
                return said
    return None


def format_of_suffix(path: Path) -> str | None:
    """Says which format that is not read a file is in, by its suffix."""
    known = _SUFFIXES.items()
    return next((said for suffixes, said in known if path.suffix.casefold() in suffixes), None)


def _of_text(files: Files) -> str | None:
    """Says which text files are those of another format."""
    for path in files.matching(".csv"):
        if path.name == _MULTI_CLASS:
            said = "classes of whole images: export the project for object detection"
            return f"{files.name(path)} is Roboflow's multi-class CSV, {said}. It is not read."
        if set(first_row(path)) >= _LABEL_STUDIO:
            return f"{files.name(path)} is Label Studio's CSV: export JSON. It is not read."
    labels = files.pairs(".txt").of_annotation
    for path in files.matching(".txt")[:_LOOKED_AT]:
        if files.name(path) in labels:
            continue
        if is_tracked(path):
            return f"{files.name(path)} is {TRACKED}. It is not read."
        if table := _of_table(path):
            return f"{files.name(path)} {table}. It is not read."
    return None


def _of_table(path: Path) -> str | None:
    """Says how a text file of images and their boxes with commas is read; None for another."""
    line = head(path).partition("\n")[0].strip()
    for row, more in _ROWS:
        if (found := row.fullmatch(line)) and is_image(found[1]):
            return f"is a table: save it as .csv{more}"
    return None


def is_tracked(path: Path) -> bool:
    """Whether a file's first line is the number of a frame and more values with commas."""
    frame, *values = head(path).partition("\n")[0].split(",")
    return frame.strip().isdecimal() and len(values) >= _TRACKED_VALUES
