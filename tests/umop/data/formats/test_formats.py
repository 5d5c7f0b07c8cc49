"""What is written in a format is read from it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.umop.conftest import Umop
from tests.umop.data.layouts.writers import CAT, DOG, LAYOUTS, TRAIN, VAL
from tests.umop.data.samples import coco, draw
from umop.data.check import check
from umop.data.conversion.convert import convert
from umop.data.formats import EXPORT_FORMATS
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_a_format_is_read_as_it_was_written(umop: Umop, tmp_path: Path, name: str) -> None:
    LAYOUTS["Pascal VOC"](tmp_path / "data")
    target = tmp_path / "written"
    code, out, err = umop("data", "convert", str(tmp_path / "data"), str(target), "--to", name)
    assert code == 0, err
    assert f"{EXPORT_FORMATS[name].title}, 1 train, 1 val, 3 boxes, 2 classes" in out
    report = check(open_data(target))
    assert report.of("error") == ()
    data = report.cleaned
    assert data.classes == ("cat", "dog")
    assert {image.path.name: image.split for image in data.images} == {TRAIN: "train", VAL: "val"}
    corners = sorted(data.boxes.corners.tolist())
    np.testing.assert_allclose(corners, sorted(map(list, (CAT, DOG, DOG))), atol=1e-5)


def test_images_that_would_share_their_labels_get_other_names(tmp_path: Path) -> None:
    root = coco(tmp_path / "data", {"train": 4, "val": 2})
    content = json.loads((root / "train.json").read_text())
    for entry, name in zip(
        content["images"], ("a.png", "a.jpg", "b/c.png", "d/c.png"), strict=True
    ):
        draw(root / "train" / name, len(name) * ord(name[2]))
        entry["file_name"] = name
    (root / "train.json").write_text(json.dumps(content))
    convert(root, tmp_path / "new", "yolo")
    names = sorted(path.name for path in (tmp_path / "new/labels/train").iterdir())
    assert names == ["train_a_jpg.txt", "train_a_png.txt", "train_b_c.txt", "train_d_c.txt"]
    assert len(open_data(tmp_path / "new").boxes) == 12


def test_crowds_are_left_out_where_a_format_has_none(
    umop: Umop, root: Path, tmp_path: Path
) -> None:
    content = json.loads((root / "train.json").read_text())
    content["annotations"][0]["iscrowd"] = 1
    (root / "train.json").write_text(json.dumps(content))
    _, _, err = umop("data", "convert", str(root), str(tmp_path / "new"), "--to", "yolo")
    assert "YOLO knows no crowds: 1 box left out" in err
    assert len(open_data(tmp_path / "new").boxes) == 43
    convert(root, tmp_path / "coco")
    assert open_data(tmp_path / "coco").boxes.crowd.sum() == 1
