"""Data sets are converted, and detections written as annotations to correct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from tests.umop.conftest import Umop
from umop.data.formats import EXPORT_FORMATS
from umop.data.preparation.custom import read_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_the_help_names_every_format(umop: Umop) -> None:
    _, out, _ = umop("data", "convert", "--help")
    assert all(name in out for name in EXPORT_FORMATS)


def test_another_format_is_a_mistake(umop: Umop, root: Path, tmp_path: Path) -> None:
    code, _, err = umop("data", "convert", str(root), str(tmp_path / "new"), "--to", "tfrecord")
    assert code == 2
    assert "--to must be one of coco, yolo, voc, labelstudio, cvat, not tfrecord" in err


def renumbered(root: Path, image: int, category: int) -> Path:
    """Gives images and categories other ids."""
    for path in root.glob("*.json"):
        content = json.loads(path.read_text())
        for each in content["images"]:
            each["id"] += image
        for each in content["annotations"]:
            each["image_id"] += image
            each["category_id"] *= category
        for each in content["categories"]:
            each["id"] *= category
        path.write_text(json.dumps(content))
    return root


def found(root: Path, *scores: float) -> list[dict[str, Any]]:
    """Results as ``umop eval`` writes them, with the ids of the annotations that it is given."""
    val = read_data(root, root.parent / "run").contents["val"]
    image, category = val["images"][0]["id"], val["categories"][1]["id"]
    box = {"image_id": image, "category_id": category, "bbox": [4, 6, 300, 20]}
    return [{**box, "score": score} for score in scores]


def test_detections_have_the_ids_of_the_users_annotations(root: Path) -> None:
    renumbered(root, 500, 7)
    results = found(root, 0.9)
    assert (results[0]["image_id"], results[0]["category_id"]) == (501, 14)
    COCO(str(root / "val.json")).loadRes(results)


def test_ids_that_are_not_clear_are_replaced(root: Path) -> None:
    """The splits number their classes differently, and two images of one split have one id."""
    content = json.loads((root / "val.json").read_text())
    for each in content["categories"]:
        each["id"] += 3
    for each in content["annotations"]:
        each["category_id"] += 3
    (root / "val.json").write_text(json.dumps(content))
    val = read_data(root, root.parent / "run").contents["val"]
    assert [each["id"] for each in val["categories"]] == [1, 2]


def test_predictions_are_written_to_be_corrected(umop: Umop, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "detections.json"
    path.write_text(json.dumps(found(renumbered(root, 500, 7), 0.9, 0.1)))
    target = tmp_path / "new"
    options = ("--to", "labelstudio", "--predictions", str(path), "--min-score", "0.5")
    code, out, err = umop("data", "convert", str(root), str(target), *options)
    assert code == 0, err
    assert "10 val, 1 box" in out
    first, *others = json.loads((target / "val.json").read_text())
    [region] = first["predictions"][0]["result"]
    assert region["score"] == 0.9
    assert region["value"]["rectanglelabels"] == ["dog"]
    assert region["value"]["x"] + region["value"]["width"] == pytest.approx(100)
    assert len(others) == 9
    assert "annotations" not in first


def test_predictions_of_other_data_are_refused(umop: Umop, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "detections.json"
    path.write_text('[{"image_id": 99, "category_id": 1, "bbox": [1, 1, 5, 5], "score": 1}]')
    options = (str(root), str(tmp_path / "new"), "--predictions", str(path))
    code, _, err = umop("data", "convert", *options)
    assert code == 2
    assert "is of other data" in err
    assert "an image with the id 99" in err
