"""Data sets of the user's own: layouts, classes and defects."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from umop.config.load import load_config
from umop.data.custom import read_data, use_data
from umop.errors import UserError

BCCD = Path(__file__).resolve().parents[4] / "shared" / "data" / "bccd"
OBJECT = """<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>
<ymax>{}</ymax></bndbox></object>"""
PICTURE = """<annotation><size><width>64</width><height>48</height><depth>3</depth></size>
{}</annotation>"""
Coco = dict[str, Any]
Lay = Callable[[Coco], Path]


@pytest.fixture
def coco() -> Coco:
    """Two pictures with three boxes of two classes."""
    return {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 10, 20]},
            {"id": 2, "image_id": 1, "category_id": 3, "bbox": [5, 5, 9, 9]},
            {"id": 3, "image_id": 2, "category_id": 7, "bbox": [0, 0, 30, 30]},
        ],
        "categories": [{"id": 7, "name": "cell"}, {"id": 3, "name": "platelet"}],
    }


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Lays a data set out as the demo's, the same for training and validation."""

    def write(content: Coco) -> Path:
        root = tmp_path / "data"
        for split in ("train", "val"):
            draw(root / split, "a.png", "b.png")
            (root / f"{split}.json").write_text(json.dumps(content))
        return root

    return write


def draw(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / name), np.zeros((48, 64, 3), np.uint8))


@pytest.mark.parametrize(
    ("train", "pictures", "val", "val_pictures"),
    [
        (
            "annotations/instances_train2017.json",
            "train2017",
            "annotations/instances_val2017.json",
            "val2017",
        ),
        ("train.json", "train", "val.json", "val"),
        ("train/_annotations.coco.json", "train", "valid/_annotations.coco.json", "valid"),
    ],
)
def test_coco_layouts(
    tmp_path: Path, coco: Coco, train: str, pictures: str, val: str, val_pictures: str
) -> None:
    for file, folder in ((train, pictures), (val, val_pictures)):
        draw(tmp_path / folder, "a.png", "b.png")
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(json.dumps(coco))
    data = read_data(tmp_path, tmp_path / "out")
    data.write_annotations()
    assert data.classes == ("cell", "platelet")
    assert data.warnings == ()
    assert data.splits["train"].pictures == tmp_path / pictures
    assert data.splits["val"].pictures == tmp_path / val_pictures


def test_what_coco_tools_need_is_added(lay: Lay, coco: Coco, tmp_path: Path) -> None:
    data = read_data(lay(coco), tmp_path / "out")
    data.write_annotations()
    written = json.loads(data.splits["train"].annotations.read_text())
    assert [box["area"] for box in written["annotations"]] == [200, 81, 900]
    assert {box["iscrowd"] for box in written["annotations"]} == {0}


def test_sound_annotations_are_read_where_they_are(lay: Lay, coco: Coco, tmp_path: Path) -> None:
    for box in coco["annotations"]:
        box.update(area=box["bbox"][2] * box["bbox"][3], iscrowd=0)
    root = lay(coco)
    data = read_data(root, tmp_path / "out")
    data.write_annotations()
    assert data.splits["train"].annotations == root / "train.json"
    assert not (tmp_path / "out").exists()


def test_boxes_without_area_are_left_out_and_named(lay: Lay, coco: Coco, tmp_path: Path) -> None:
    coco["annotations"][1]["bbox"] = [5, 5, 0, 9]
    data = read_data(lay(coco), tmp_path / "out")
    data.write_annotations()
    assert data.warnings[0] == "train: 1 box without area is left out, in a.png"
    kept = json.loads(data.splits["val"].annotations.read_text())["annotations"]
    assert [box["id"] for box in kept] == [1, 3]


def test_voc(tmp_path: Path) -> None:
    voc(tmp_path, {"train": ["one", "two"], "val": ["three"]})
    data = read_data(tmp_path, tmp_path / "out")
    data.write_annotations()
    assert data.classes == ("cat", "dog")
    train = json.loads(data.splits["train"].annotations.read_text())
    assert [image["file_name"] for image in train["images"]] == ["one.png", "two.png"]
    assert train["annotations"][0]["bbox"] == [3, 4, 20, 30]
    assert train["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]


def voc(root: Path, splits: dict[str, list[str]]) -> None:
    """Writes pictures with a dog and a cat each."""
    for folder in ("Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    objects = OBJECT.format("dog", 3, 4, 23, 34) + OBJECT.format("cat", 1, 1, 9, 9)
    for split, names in splits.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            draw(root / "JPEGImages", f"{name}.png")
            (root / "Annotations" / f"{name}.xml").write_text(PICTURE.format(objects))


def test_voc_lists_with_other_names(tmp_path: Path) -> None:
    voc(tmp_path, {"trainval": ["one"], "test": ["two"]})
    data = read_data(tmp_path, tmp_path / "out")
    data.write_annotations()
    val = json.loads(data.splits["val"].annotations.read_text())
    assert [image["file_name"] for image in val["images"]] == ["two.png"]


def test_a_config_takes_the_data_sets_classes(lay: Lay, coco: Coco, tmp_path: Path) -> None:
    config = load_config("r50")
    use_data(config, read_data(lay(coco), tmp_path / "out"))
    assert config.model.bbox_head.num_classes == 2
    for split in ("train", "val", "test"):
        assert config[f"{split}_dataloader"].dataset.metainfo.classes == ("cell", "platelet")
    assert config.val_evaluator.ann_file == str(tmp_path / "out" / "val.json")


@pytest.mark.parametrize(
    ("message", "spoil"),
    [
        ("2 of 2 train pictures are not in", lambda root: shutil.rmtree(root / "train")),
        ("1 of 2 val pictures .*: b.png", lambda root: (root / "val" / "b.png").unlink()),
        ("in no layout that is known", lambda root: (root / "val.json").unlink()),
        ("cannot be read as JSON", lambda root: (root / "val.json").write_text("{")),
        ("holds a list", lambda root: (root / "val.json").write_text("[]")),
    ],
)
def test_missing_and_broken_files_are_named(
    lay: Lay, coco: Coco, tmp_path: Path, message: str, spoil: Callable[[Path], object]
) -> None:
    root = lay(coco)
    spoil(root)
    with pytest.raises(UserError, match=message):
        read_data(root, tmp_path / "out")


@pytest.mark.parametrize(
    ("message", "part", "content"),
    [
        ("the train data has no annotations", "annotations", []),
        ("the train data has no images", "images", []),
        ("no box with an area", "annotations", [{"bbox": [1, 1, 0, 5]}]),
        ("annotation 1 is of a picture or", "annotations", [{"image_id": 9}]),
        ("annotation 1 is of a picture or", "annotations", [{"category_id": 9}]),
        ("annotation 1 has no box", "annotations", [{"bbox": [1, 2]}]),
        ("annotation 1 has no box", "annotations", [{"bbox": [1, 2, 3, float("nan")]}]),
        ("two categories of one name", "categories", [{"name": "platelet"}]),
        ("no size for a.png", "images", [{"width": 0}]),
    ],
)
def test_a_defect_of_the_annotations_is_named(
    lay: Lay, coco: Coco, tmp_path: Path, message: str, part: str, content: list[Coco]
) -> None:
    """``content`` changes the first entries of a part; where it is empty, so is the part."""
    changed = [old | new for old, new in zip(coco[part], content, strict=False)]
    kept = coco[part][len(content) :] if part != "annotations" and content else []
    coco[part] = changed + kept
    with pytest.raises(UserError, match=message):
        read_data(lay(coco), tmp_path / "out")


@pytest.mark.parametrize("part", ["images", "annotations", "categories"])
def test_entries_that_are_not_cocos_are_refused(
    lay: Lay, coco: Coco, tmp_path: Path, part: str
) -> None:
    coco[part] = [{"id": 1}]
    with pytest.raises(UserError, match="is not COCO JSON: KeyError"):
        read_data(lay(coco), tmp_path / "out")


def test_other_classes_than_the_models_are_refused(lay: Lay, coco: Coco, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Only on one side: platelet, tree\."):
        read_data(lay(coco), tmp_path / "out", ["val"], ["cell", "tree"])


def test_voc_without_a_list_or_with_a_broken_annotation(tmp_path: Path) -> None:
    voc(tmp_path, {"train": ["one"]})
    with pytest.raises(UserError, match="no list of val pictures"):
        read_data(tmp_path, tmp_path / "out")
    (tmp_path / "Annotations" / "one.xml").write_text("<annotation>")
    with pytest.raises(UserError, match=r"one\.xml cannot be read as a VOC annotation"):
        read_data(tmp_path, tmp_path / "out", ["train"])


@pytest.mark.skipif(not BCCD.is_dir(), reason="needs the BCCD data set at ../shared/data/bccd")
def test_blood_cells(tmp_path: Path) -> None:
    data = read_data(BCCD, tmp_path)
    data.write_annotations()
    assert data.classes == ("Platelets", "RBC", "WBC")
    assert data.warnings == (
        "train: 1 box without area is left out, in BloodImage_00343.jpg",
        "val: 1 box without area is left out, in BloodImage_00338.jpg",
    )
    assert len(json.loads((tmp_path / "train.json").read_text())["images"]) == 205
