"""What COCO's entries for images and annotations say in other tools' files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import coco_json, drawn, texts
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def content(names: list[str], *more: dict[str, Any]) -> dict[str, Any]:
    """COCO whose images have other values as well."""
    found = coco_json(names)
    found["images"] = [each | other for each, other in zip(found["images"], more, strict=True)]
    return found


def paths(root: Path, written: dict[str, Any]) -> list[str]:
    write(root / "coco.json", json.dumps(written))
    report = check(open_data(root))
    assert report.of("error") == ()
    return [report.data.name(image.path) for image in report.data.images]


def test_the_folders_of_an_image_may_stand_in_its_path(tmp_path: Path) -> None:
    """As COCO Annotator writes them."""
    names = list(drawn(tmp_path, ["day/0.jpg", "night/0.jpg"]))
    more = [{"path": f"/datasets/x/{name}", "file_name": "0.jpg"} for name in names]
    assert paths(tmp_path, content(names, *more)) == names


def test_a_path_of_folders_that_are_gone_is_no_other_image(tmp_path: Path) -> None:
    [name] = drawn(tmp_path, ["images/0.jpg"])
    more = {"path": "/datasets/x/day/0.jpg", "file_name": "0.jpg"}
    assert paths(tmp_path, content([name], more)) == [name]


def test_a_path_from_before_the_images_were_divided_is_not_taken(tmp_path: Path) -> None:
    train, val = drawn(tmp_path, ["images/train/0.jpg", "images/val/0.jpg"])
    more = {"path": f"/datasets/{train}", "file_name": "0.jpg"}
    write(tmp_path / "val.json", json.dumps(content([val], more)))
    data = open_data(tmp_path)
    assert [data.name(image.path) for image in data.images] == [val]


@pytest.mark.parametrize("folder", ["train2017", "images"])
def test_an_image_may_have_only_an_address(tmp_path: Path, folder: str) -> None:
    """As LVIS writes it."""
    [name] = drawn(tmp_path, [f"{folder}/0.jpg"])
    found = content([name], {"coco_url": "http://images.cocodataset.org/train2017/0.jpg"})
    del found["images"][0]["file_name"]
    assert paths(tmp_path, found) == [name]


def test_an_annotation_that_says_that_there_is_nothing(tmp_path: Path) -> None:
    """As in COCO Camera Traps."""
    names = list(drawn(tmp_path, ["a.jpg", "b.jpg"]))
    found = coco_json(names)
    found["categories"].append({"id": 3, "name": "empty"})
    found["annotations"] = [*found["annotations"][:2], {"id": 9, "image_id": 2, "category_id": 3}]
    assert paths(tmp_path, found) == names
    found["annotations"][-1]["category_id"] = 1
    write(tmp_path / "coco.json", json.dumps(found))
    assert len(texts(check(open_data(tmp_path)), "annotation-numbers")) == 1


@pytest.mark.parametrize(
    ("more", "corners"),
    [
        ({}, [25, 5, 35, 45]),
        ({"segmentation": [[10, 20, 50, 20, 50, 30, 10, 30]]}, [10, 20, 50, 30]),
    ],
)
def test_a_box_that_cvat_has_turned_gets_the_box_around_it(
    tmp_path: Path, more: dict[str, Any], corners: list[float]
) -> None:
    found = coco_json(drawn(tmp_path, ["a.jpg"]))
    entry, other = found["annotations"]
    entry |= {"bbox": [10, 20, 40, 10], "attributes": {"rotation": 90.0}, **more}
    other["attributes"] = {"rotation": 0.0, "occluded": False}
    write(tmp_path / "coco.json", json.dumps(found))
    report = check(open_data(tmp_path))
    np.testing.assert_allclose(report.data.boxes.corners[0], corners)
    said = [] if more else ["coco.json: annotation 1, by 90°"]
    assert texts(report, "box-turned") == said
