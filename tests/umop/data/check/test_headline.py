"""The first line of a check counts what was read, and what can be used of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts import writers
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_sound_data_has_one_count(tmp_path: Path) -> None:
    writers.yolo(tmp_path)
    line = check(open_data(tmp_path)).headline()
    assert line == f"{tmp_path}: YOLO, 1 train, 1 val, 3 boxes, 2 classes"


def test_what_a_missing_image_takes_along_is_counted(tmp_path: Path) -> None:
    writers.coco_like("train.json", "images", "val.json", "images")(tmp_path)
    (tmp_path / "images" / writers.TRAIN).unlink()
    line = check(open_data(tmp_path)).headline()
    assert line.endswith(
        "COCO JSON, 1 train, 1 val, 3 boxes, 2 classes; 1 val, 1 box, 2 classes can be used"
    )
