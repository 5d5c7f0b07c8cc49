"""Lists of images part the data, and no image is there twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import coco, coco_json, counts, drawn, pair, texts, yolo
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_file_of_all_images_beside_its_splits_adds_nothing(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", [f"{i:02}.jpg" for i in range(20)])
    for file, part in (("annotations", names), ("train", names[:15]), ("val", names[15:])):
        coco(tmp_path, f"{file}.json", part)
    report = check(open_data(tmp_path))
    assert counts(report.data) == {"train": 15, "val": 5}
    assert len(report.data.boxes) == 40
    found = texts(report, "listed-twice")
    assert len(found) == 20
    assert found[0].startswith("images/00.jpg: annotations.json and train.json: the first names")


def test_lists_without_yaml_are_used(tmp_path: Path) -> None:
    for i in range(10):
        pair(tmp_path, f"images/all/img_{i}.jpg", f"labels/all/img_{i}.txt")
    for split, numbers in (("train", range(7)), ("val", range(7, 10))):
        write(tmp_path / f"{split}.txt", "".join(f"./images/all/img_{i}.jpg\n" for i in numbers))
    write(tmp_path / "classes.txt", "cat\ndog\n")
    assert counts(open_data(tmp_path)) == {"train": 7, "val": 3}


def test_darknets_description_is_used(tmp_path: Path) -> None:
    for i in range(5):
        pair(tmp_path, f"obj/img_{i}.jpg", f"obj/img_{i}.txt")
    write(
        tmp_path / "obj.data",
        "classes = 2\ntrain = data/a.txt\nvalid = data/b.txt\nnames = o.names\n",
    )
    write(tmp_path / "a.txt", "".join(f"data/obj/img_{i}.jpg\n" for i in range(4)))
    write(tmp_path / "b.txt", "data/obj/img_4.jpg\n")
    write(tmp_path / "o.names", "cat\ndog\n")
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert counts(report.data) == {"train": 4, "val": 1}
    assert report.data.classes == ("cat", "dog")


def test_paddles_lists_are_used(tmp_path: Path) -> None:
    for split, names in (("train", "abc"), ("val", "de")):
        for name in names:
            pair(tmp_path, f"images/{name}.jpg", None)
            write(tmp_path / f"annotations/{name}.xml", voc_xml(("cat", (8, 6, 24, 30))))
        lines = (f"./images/{name}.jpg ./annotations/{name}.xml\n" for name in names)
        write(tmp_path / f"{split}_list.txt", "".join(lines))
    assert counts(open_data(tmp_path)) == {"train": 3, "val": 2}


def test_pascal_vocs_lists_of_a_class_are_no_splits(tmp_path: Path) -> None:
    numbers = {"train": range(3), "val": range(3, 5), "trainval": range(5)}
    for i in numbers["trainval"]:
        pair(tmp_path, f"JPEGImages/{i}.jpg", None)
        write(tmp_path / f"Annotations/{i}.xml", voc_xml(("cat", (8, 6, 24, 30))))
    for name, listed in numbers.items():
        for start, end in (("", ""), ("cat_", "  1")):
            text = "".join(f"{i}{end}\n" for i in listed)
            write(tmp_path / f"ImageSets/Main/{start}{name}.txt", text)
    data = open_data(tmp_path)
    assert (counts(data), data.issues) == ({"train": 3, "val": 2}, ())


def test_one_list_alone_is_not_used_and_said(tmp_path: Path) -> None:
    yolo(tmp_path)
    write(tmp_path / "train.txt", "images/img_00.jpg\nimages/img_01.jpg\n")
    report = check(open_data(tmp_path))
    assert counts(report.data) == {None: 10}
    [text] = texts(report, "list-unused")
    assert text.startswith("train.txt: not used")


def test_lists_that_the_description_does_not_name_are_said(tmp_path: Path) -> None:
    yolo(tmp_path)
    write(tmp_path / "data.yaml", "train: images\nval: images\nnames: [cat, dog]\n")
    for split, numbers in (("train", range(8)), ("val", range(8, 10))):
        write(tmp_path / f"{split}.txt", "".join(f"images/img_{i:02}.jpg\n" for i in numbers))
    [text] = texts(check(open_data(tmp_path)), "list-unused")
    assert text.startswith("train.txt, val.txt: not used, since the data's description")


def test_an_image_of_a_list_that_is_gone_is_an_error(tmp_path: Path) -> None:
    yolo(tmp_path)
    write(tmp_path / "train.txt", "".join(f"images/img_{i:02}.jpg\n" for i in range(8)))
    write(tmp_path / "val.txt", "images/img_08.jpg\nimages/img_09.jpg\nimages/gone.jpg\n")
    assert texts(check(open_data(tmp_path)), "image-missing") == ["val.txt lists images/gone.jpg"]


def test_an_image_in_two_files_is_said_with_both(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", [f"{i:02}.jpg" for i in range(10)])
    coco(tmp_path, "annotations.json", names)
    coco(tmp_path, "annotations (copy).json", names[:8])
    report = check(open_data(tmp_path))
    assert (len(report.data.images), len(report.data.boxes)) == (10, 20)
    found = texts(report, "listed-twice")
    assert found[0] == "images/00.jpg: annotations (copy).json and annotations.json"
    assert len(found) == 8


def test_the_boxes_that_an_old_copy_adds_are_counted(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", ["a.jpg", "b.jpg"])
    coco(tmp_path, "v1.json", names)
    content = coco_json(names)
    content["annotations"][0]["bbox"] = [12, 9, 12, 18]
    write(tmp_path / "v2.json", json.dumps(content))
    report = check(open_data(tmp_path))
    assert texts(report, "listed-twice") == [
        "images/a.jpg: v1.json and v2.json; the second adds 1 box to 2",
        "images/b.jpg: v1.json and v2.json",
    ]
    assert len(report.data.boxes) == 5


def test_the_counts_of_the_check_are_those_of_training(umop: Umop, tmp_path: Path) -> None:
    for split, count in (("train", 8), ("valid", 8)):
        names = drawn(tmp_path / "a" / split, [f"{split}_{i}.jpg" for i in range(count)])
        coco(tmp_path, f"a/{split}/_annotations.coco.json", names)
    coco(tmp_path, "b/annotations.json", drawn(tmp_path / "b", [f"{i}.jpg" for i in range(10)]))
    code, out, err = umop("data", "check", str(tmp_path))
    assert code == 0, err
    assert "18 train, 8 val" in out
    assert "10 images, such as b/0.jpg" in out


def test_a_list_that_is_for_training_and_validation_is_used(tmp_path: Path) -> None:
    """As Yolo_mark's description has it."""
    for i in range(4):
        pair(tmp_path, f"img/{i}.jpg", f"img/{i}.txt")
    write(tmp_path / "train.txt", "".join(f"data/img/{i}.jpg\n" for i in range(4)))
    write(tmp_path / "obj.names", "cat\ndog\n")
    write(
        tmp_path / "obj.data",
        "classes = 2\ntrain = data/train.txt\nvalid = data/train.txt\nnames = data/obj.names\n",
    )
    report = check(open_data(tmp_path))
    assert counts(report.data) == {"train": 4, "val": 4}
    assert texts(report, "list-unused") == []
    assert len(texts(report, "split-twice-listed")) == 4


def test_an_image_in_two_lists_of_one_split_is_no_mistake(tmp_path: Path) -> None:
    """As VoTT writes a list for each class."""
    yolo(tmp_path)
    for split, numbers in (("train", range(8)), ("val", range(8, 10))):
        for name in ("cat", "dog"):
            lines = "".join(f"images/img_{i:02}.jpg 1\n" for i in numbers)
            write(tmp_path / f"{name}_{split}.txt", lines)
    report = check(open_data(tmp_path))
    assert (counts(report.data), texts(report, "listed-twice")) == ({"train": 8, "val": 2}, [])
