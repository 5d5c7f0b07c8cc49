"""Values that are not what their place is for: read as they are meant, or said."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.umop.data.layouts.writers import LAYOUTS
from tests.umop.data.samples import HEIGHT, WIDTH, coco, draw
from umop.data.check import check
from umop.data.dataset import DataSet
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def changed(root: Path, change: Callable[[Any], None]) -> DataSet:
    """A small COCO set, of which the file for training was changed."""
    coco(root, {"train": 2, "val": 1})
    path = root / "train.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return open_data(root)


def yolo(root: Path, lines: str) -> DataSet:
    """One image of YOLO with a cat and a dog for classes."""
    draw(root / "images" / "a.jpg", 1)
    (root / "labels").mkdir()
    (root / "labels" / "a.txt").write_text(lines)
    (root / "classes.txt").write_text("cat\ndog\n")
    return open_data(root)


def rules(data: DataSet) -> list[str]:
    return [issue.rule for issue in data.issues]


def test_ids_may_be_written_as_text(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        for entry in content["annotations"]:
            entry.update({key: str(entry[key]) for key in ("image_id", "category_id")})

    data = changed(tmp_path, change)
    assert (len(data.boxes), data.issues) == (6, ())


def test_a_name_of_digits_with_a_zero_before_is_another(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        content["annotations"][0]["category_id"] = "01"

    assert rules(changed(tmp_path, change)) == ["category-unknown"]


@pytest.mark.parametrize(
    ("iscrowd", "crowds"), [("0", 0), ("1", 1), (False, 0), (True, 1), (None, 0)]
)
def test_crowds_may_be_written_as_text(tmp_path: Path, iscrowd: object, crowds: int) -> None:
    def change(content: Any) -> None:
        content["annotations"][0]["iscrowd"] = iscrowd

    assert changed(tmp_path, change).boxes.crowd.sum() == crowds


def test_an_area_that_no_float_holds_is_the_boxs_own(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        content["annotations"][0]["area"] = 10**400

    data = changed(tmp_path, change)
    assert (len(data.boxes), data.issues) == (6, ())


def test_a_category_whose_id_is_no_number_is_said(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        content["categories"][0]["id"] = float("nan")

    assert rules(changed(tmp_path, change))[0] == "annotations-unreadable"


def test_run_lengths_that_leave_their_mask_are_no_box(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        mask = {"size": [HEIGHT, WIDTH], "counts": "garbage\u00ff"}
        content["annotations"][0].update(bbox=[], segmentation=mask)

    assert rules(changed(tmp_path, change)) == ["annotation-numbers"]


@pytest.mark.parametrize("beside", ["caption", "segments_info"])
def test_cocos_other_files_beside_boxes_are_no_error(tmp_path: Path, beside: str) -> None:
    coco(tmp_path, {"train": 2, "val": 1})
    content = json.loads((tmp_path / "train.json").read_text())
    content["annotations"] = [{"image_id": 1, beside: []}]
    (tmp_path / "more.json").write_text(json.dumps(content))
    data = open_data(tmp_path)
    assert (len(data.images), len(data.boxes)) == (3, 6)
    assert rules(data) == ["layout-unused"]


def test_boxes_without_end_are_said_in_short_lines(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        boxes = ([float("nan"), 1, 2, 3], [float("inf"), 0, 1, 1], [1, 1, 1e308, 1e308])
        for entry, box in zip(content["annotations"], boxes, strict=False):
            entry["bbox"] = box

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check(changed(tmp_path, change))
    assert [each.rule for each in report.of("error")] == ["box-not-numbers"] * 2
    assert max(len(each.text) for each in report.findings) < 200


def with_large(value: Any, key: str) -> Any:
    """JSON with a number that no float holds in each place of a name, or first in its lists."""
    if isinstance(value, dict):
        return {
            name: _large(each) if name == key else with_large(each, key)
            for name, each in value.items()
        }
    return [with_large(each, key) for each in value] if isinstance(value, list) else value


def _large(value: Any) -> Any:
    return [_large(value[0]), *value[1:]] if isinstance(value, list) else 10**400


@pytest.mark.parametrize(
    ("layout", "file", "key"),
    [
        ("LabelMe", "first one.json", "points"),
        ("Label Studio", "project-train.json", "x"),
        ("Label Studio's JSON-MIN", "train.json", "x"),
        ("VIA", "*.json", "x"),
        ("CreateML", "*.json", "x"),
        ("Ground Truth", "train.manifest", "left"),
    ],
)
def test_a_number_that_no_float_holds_is_said_in_every_layout(
    tmp_path: Path, layout: str, file: str, key: str
) -> None:
    LAYOUTS[layout](tmp_path)
    path = min(tmp_path.rglob(file))
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    path.write_text(json.dumps(with_large(content, key)))
    assert rules(open_data(tmp_path))


@pytest.mark.parametrize("line", ["1.7 0.5 0.5 0.2 0.2", "0.5 0.5 0.2 0.2 1"])
def test_a_class_with_a_fraction_is_unknown(tmp_path: Path, line: str) -> None:
    """Numbers cut to whole ones would make a class of the column that is first."""
    data = yolo(tmp_path, f"0.0 0.5 0.5 0.2 0.2\n{line}\n")
    assert (len(data.boxes), rules(data)) == (1, ["category-unknown"])


def test_a_trackers_numbers_are_no_triangle(tmp_path: Path) -> None:
    data = yolo(tmp_path, "0 0.25 0.3 0.2 0.4 0.91 1\n1 0.5 0.5 0.2 0.2 0.4 12\n")
    assert data.boxes.corners[0].tolist() == pytest.approx([0.15, 0.1, 0.35, 0.5])
    assert rules(data) == ["tracks-unused"]


def test_triangles_are_no_trackers_numbers(tmp_path: Path) -> None:
    data = yolo(tmp_path, "0 0.25 0.3 0.2 0.4 0.91 1\n1 0.5 0.5 0.2 0.2 0.4 0.6\n")
    assert data.boxes.corners[0].tolist() == pytest.approx([0.2, 0.3, 0.91, 1])


def test_names_that_are_one_text_are_said(tmp_path: Path) -> None:
    yolo(tmp_path, "0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "data.yaml").write_text("train: images\nnames: \"['cat', 'dog']\"\n")
    [issue] = open_data(tmp_path).issues
    assert issue.text.endswith("is no list, and no file of one")


def test_every_box_of_an_object_is_taken(tmp_path: Path) -> None:
    draw(tmp_path / "a.jpg", 1)
    box = "<bndbox><xmin>{0}</xmin><ymin>6</ymin><xmax>{1}</xmax><ymax>30</ymax></bndbox>"
    boxes = box.format(5, 20) + box.format(30, 50)
    text = f"<annotation><object><name>cat</name>{boxes}</object></annotation>"
    (tmp_path / "a.xml").write_text(text)
    assert open_data(tmp_path).boxes.corners[:, 0].tolist() == [5, 30]
