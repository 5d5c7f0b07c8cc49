"""COCO's JSON as people write it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.mask import encode

from tests.umop.data.samples import HEIGHT, WIDTH, coco
from umop.data.check import check
from umop.data.preparation.split import with_splits
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_one_folder_with_one_coco_file_is_split(tmp_path: Path) -> None:
    """A fifth is for validation, with each class in both parts, and the same at every start."""
    root = coco(tmp_path / "data", {"train": 40})
    (root / "train.json").rename(root / "train" / "labels.json")
    report = check(open_data(root))
    data = with_splits(report.cleaned, report.records)
    again = with_splits(report.cleaned, report.records)
    assert data.images == again.images
    assert int(data.in_split("val").sum()) == 8
    for split in ("train", "val"):
        rows = data.in_split(split)[data.boxes.image]
        assert set(data.boxes.label[rows]) == {0, 1}


def test_coco_is_read_from_a_folder_beside_other_things(tmp_path: Path) -> None:
    coco(tmp_path / "data" / "coco")
    (tmp_path / "data" / "notes.txt").write_text("")
    report = check(open_data(tmp_path / "data"))
    assert report.findings == ()
    (tmp_path / "data" / "coco" / "labels").mkdir()
    for split in ("train", "val"):
        (tmp_path / f"data/coco/{split}.json").rename(tmp_path / f"data/coco/labels/{split}.json")
    assert check(open_data(tmp_path / "data")).findings == ()
    (tmp_path / "data/coco/val/val 1.png").unlink()
    [finding] = check(open_data(tmp_path / "data")).of("error")
    assert finding.text == "coco/labels/val.json lists coco/val/val 1.png"


def test_a_category_may_be_named_by_a_number(tmp_path: Path) -> None:
    coco(tmp_path, classes=("7",))
    for path in tmp_path.glob("*.json"):
        path.write_text(path.read_text().replace('"name": "7"', '"name": 7'))
    assert open_data(tmp_path).classes == ("7",)


def test_half_a_surrogate_pair_in_a_class_is_replaced(tmp_path: Path) -> None:
    coco(tmp_path, classes=("c\ud800t",))
    assert open_data(tmp_path).classes == ("c?t",)


@pytest.mark.parametrize("form", ["polygons", "run lengths", "compressed"])
def test_cocos_boxes_may_be_those_of_masks(tmp_path: Path, form: str) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    mask[6:30, 8:24] = 1
    lengths = np.diff(np.flatnonzero(np.diff(mask.ravel("F"), prepend=0, append=0)), prepend=0)
    masks = {
        "polygons": [[8, 6, 24, 6, 24, 18], [8, 18, 24, 30]],
        "run lengths": {"size": [HEIGHT, WIDTH], "counts": lengths.tolist()},
        "compressed": {"size": [HEIGHT, WIDTH], "counts": encode(mask)["counts"].decode()},
    }
    content = json.loads((coco(tmp_path) / "train.json").read_text())
    content["annotations"][0].pop("bbox")
    content["annotations"][0]["segmentation"] = masks[form]
    (tmp_path / "train.json").write_text(json.dumps(content))
    data = open_data(tmp_path)
    assert data.issues == ()
    assert data.boxes.corners[0].tolist() == [8, 6, 24, 30]


def test_json_in_utf_16_is_read(tmp_path: Path) -> None:
    coco(tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_text(path.read_text(), encoding="utf-16")
    assert open_data(tmp_path).layout == "COCO JSON"


def test_boxes_of_crowds_alone_are_nothing_to_learn_from(tmp_path: Path) -> None:
    coco(tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_text(path.read_text().replace('"bbox"', '"iscrowd": 1, "bbox"'))
    errors = check(open_data(tmp_path)).of("error")
    assert {each.rule for each in errors} == {"split-empty"}
    assert errors[0].text == "train has only boxes of crowds (iscrowd or ignore is 1)"


def test_a_category_that_only_names_the_project_is_no_second_one(tmp_path: Path) -> None:
    """Roboflow writes the project's name as category 0, which no box has."""
    for path in coco(tmp_path, classes=("cat",)).glob("*.json"):
        content = json.loads(path.read_text())
        content["categories"].insert(0, {"id": 0, "name": "cat", "supercategory": "none"})
        path.write_text(json.dumps(content))
    assert check(open_data(tmp_path)).findings == ()
