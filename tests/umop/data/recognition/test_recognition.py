"""A layout is known by its structure, not by a word in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, yolo
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_label_studios_yolo_export_is_yolo(tmp_path: Path) -> None:
    """Its ``notes.json`` has categories, and is not COCO."""
    yolo(tmp_path)
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    write(tmp_path / "notes.json", json.dumps({"categories": categories, "info": {"year": 2024}}))
    report = check(open_data(tmp_path))
    assert report.findings == ()
    assert (report.data.layout, len(report.data.images), len(report.data.boxes)) == ("YOLO", 10, 20)
    assert report.data.classes == ("cat", "dog")


@pytest.mark.parametrize("counted", ["images", "annotations", "categories"])
def test_a_json_with_counts_beside_yolo_hides_nothing(tmp_path: Path, counted: str) -> None:
    yolo(tmp_path)
    write(tmp_path / "summary.json", json.dumps({counted: 10, "licenses": []}))
    assert open_data(tmp_path).layout == "YOLO"


def test_createml_is_not_called_coco(tmp_path: Path) -> None:
    """Label Studio's JSON, which had the same fate, is one of the layouts."""
    drawn(tmp_path, ["a.jpg"])
    box = {"label": "cat", "coordinates": {"x": 20, "y": 20, "width": 10, "height": 10}}
    content = [{"image": "a.jpg", "annotations": [box]}]
    write(tmp_path / "_annotations.createml.json", json.dumps(content))
    data = open_data(tmp_path)
    assert (data.layout, data.boxes.corners.tolist()) == ("CreateML", [[15, 15, 25, 25]])
