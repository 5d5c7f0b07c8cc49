"""What is odd about the classes of boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import coco, drawn, pair, texts
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_boxes_of_crowds_are_said(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", [f"{i}.jpg" for i in range(20)])
    coco(tmp_path, "annotations.json", names, crowd=True)
    report = check(open_data(tmp_path))
    assert texts(report, "box-crowd") == ["20 of 40 boxes are crowds (iscrowd or ignore is 1)"]
    assert texts(report, "category-crowd") == [
        "'dog': 20 boxes, all crowds (iscrowd or ignore is 1)"
    ]


def test_a_class_without_a_box_to_train_on_is_said(tmp_path: Path) -> None:
    for split, label in (("train", 0), ("test", 1)):
        image = f"{split}/images/{split}.jpg"
        pair(tmp_path, image, f"{split}/labels/{split}.txt", f"{label} 0.5 0.5 0.4 0.4\n")
    write(tmp_path / "data.yaml", "train: train/images\ntest: test/images\nnames: [cat, dog]\n")
    report = check(open_data(tmp_path))
    assert texts(report, "category-missing-in-split") == [
        "'cat' has no box in test, 1 in train",
        "'dog' has no box in train, 1 in test",
    ]


def test_one_image_for_each_class_is_refused_with_the_reason(umop: Umop, tmp_path: Path) -> None:
    names = ["ace", "king", "queen", "jack", "ten", "nine"]
    for i in range(6):
        pair(tmp_path, f"images/{i}.jpg", f"labels/{i}.txt", f"{i} 0.5 0.5 0.4 0.4\n")
    write(tmp_path / "classes.txt", "\n".join(names))
    code, _, err = umop("data", "check", str(tmp_path))
    assert code == 2
    assert "6 images, 6 with boxes, and no class has two images" in err
