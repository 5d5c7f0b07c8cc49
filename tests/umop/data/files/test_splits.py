"""Which folders say a split, and which only have its word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import counts, pair, texts
from umop.data.check import check
from umop.data.files.splits import FolderSplits
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

TREES: list[dict[str, str | None]] = [
    {"train": "train", "valid": "val", "test": "test"},
    {"train2017": "train", "val2017": "val", "annotations": None},
    {"images/train": "train", "images/val": "val", "labels/train": "train", "labels": None},
    {"train_images": "train", "valid set": "val", "Test Data": "test"},
    {"train/images": "train", "train/labelTxt": "train", "val/images": "val"},
    {"training/image_2": "train", "testing/image_2": "test"},
    {"VisDrone2019-DET-train/images": "train", "VisDrone2019-DET-val/images": "val"},
    {
        "VisDrone2019-DET-train/images": "train",
        "VisDrone2019-DET-val/images": "val",
        "VisDrone2019-DET-test-dev/images": "test",
    },
    {"WIDER_train/images/0--Parade": "train", "WIDER_val/images/0--Parade": "val"},
    {"WIDER_train/images/0--Parade": None, "wider_face_split": None},
    {"dogs_train": "train", "dogs_val": "val", "cats_val": "val"},
    {"dogs_train": "train", "dogs_val": "val", "cats_val": None, "birds": None},
    {"train_synthetic": "train", "val_real": "val", "annotations": None},
    {"train_clean": "train", "test_clean": "test", "test_other": "test"},
    {"train_dogs": "train", "train_cats": "train", "val_mixed": "val"},
    {"images/train_a": "train", "images/val_b": "val", "labels": None},
    {"boards": None, "boards_val": "val", "notes": None},
    {"tube": None, "test strip": None},
    {"trainval/train": "train", "trainval/val": "val", "test": "test"},
    {"train/train": "train", "train/val": "val", "test": "test"},
    {"test/a/train": "train", "test/a/val": "val", "train/b/train": "train", "train/b/val": "val"},
    {"train": "train", "test_hard": "test"},
    {"beaker": None, "flask": None, "test tube": None},
    {"images/beaker": None, "images/test_tube": None, "labels/test_tube": None},
    {"highway": None, "crash_test": None},
    {"train/beaker": "train", "train/test tube": "train", "val/test tube": "val"},
    {"train/bus": "train", "train/train": "train", "val/bus": "val", "val/train": "val"},
    {"images/train/train": "train", "images/val/train": "val"},
    {"training data/train": "train", "training data/val": "val"},
    {"käfer_train": "train", "käfer_val": "val", "hüte_train": None, "rad": None},
]


@pytest.mark.parametrize("tree", TREES)
def test_the_split_of_folders(tree: dict[str, str | None]) -> None:
    splits = FolderSplits(tree)
    assert {name: splits.of(name) for name in tree} == tree


@pytest.mark.parametrize("layout", ["voc", "yolo", "csv"])
def test_a_class_called_test_tube_is_trained_on(tmp_path: Path, layout: str) -> None:
    rows = ["image,x1,y1,x2,y2,label"]
    for name in ("beaker", "test tube"):
        for number in range(4):
            image, stem = f"images/{name}/{number}.jpg", f"{name}/{number}"
            pair(tmp_path, image, f"labels/{stem}.txt" if layout == "yolo" else None)
            rows.append(f"{image},8,6,24,30,{name}")
            if layout == "voc":
                write(tmp_path / f"images/{stem}.xml", voc_xml((name, (8, 6, 24, 30))))
    if layout == "csv":
        write(tmp_path / "labels.csv", "\n".join(rows))
    report = check(open_data(tmp_path))
    assert counts(report.data) == {None: 8}
    assert texts(report, "split-unnamed") == []


def test_a_class_called_train_is_validated_with(tmp_path: Path) -> None:
    for split, number in (("train", 4), ("val", 2)):
        for name in ("bus", "train"):
            for each in range(number):
                path = f"{split}/{name}/{each}"
                pair(tmp_path, f"{path}.jpg", None)
                write(tmp_path / f"{path}.xml", voc_xml((name, (8, 6, 24, 30))))
    assert counts(open_data(tmp_path)) == {"train": 8, "val": 4}


@pytest.mark.parametrize("beside", ["weights/best.pt", "scripts/train.py", "cfg/model.yaml"])
def test_a_folder_without_images_and_annotations_says_nothing_of_splits(
    tmp_path: Path, beside: str
) -> None:
    for name in ("summer_train/a", "summer_train/b", "winter_val/c"):
        pair(tmp_path, f"{name}.jpg", f"{name}.txt")
    write(tmp_path / beside, "")
    assert counts(open_data(tmp_path)) == {"train": 2, "val": 1}
