"""Data sets after public bug reports and real exports, each read as its makers mean it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.umop.conftest import Umop
from tests.umop.data.layouts import voc_xml, write
from tests.umop.data.samples import HEIGHT, WIDTH, draw
from umop.data.check import Report, check
from umop.data.dataset import DataSet
from umop.data.layouts import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

ORIENTATION = 0x0112
LINES = "0 0.25 0.4 0.2 0.4\n1 0.7 0.5 0.3 0.5\n"
BOXES = ([10, 8, 12, 18], [35, 12, 18, 24])


def pair(root: Path, image: str, label: str | None, lines: str = LINES, **options: Any) -> None:
    """Draws an image that is like no other, and writes its label file."""
    draw(root / image, sum(map(ord, image)) * len(image), **options)
    if label is not None:
        write(root / label, lines)


def yolo(root: Path, count: int = 10, suffix: str = ".jpg", **options: Any) -> None:
    """YOLO without YAML: ``images/``, ``labels/`` and ``classes.txt``."""
    for i in range(count):
        pair(root, f"images/img_{i:02}{suffix}", f"labels/img_{i:02}.txt", **options)
    write(root / "classes.txt", "cat\ndog\n")


def coco_json(names: Sequence[str], crowd: bool = False) -> dict[str, Any]:
    """COCO with a cat and a dog in each image; all dogs may be crowds."""
    images, annotations = [], []
    for number, name in enumerate(names, start=1):
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for category, box in enumerate(BOXES, start=1):
            key, is_crowd = len(annotations) + 1, int(crowd and category == 2)
            entry = {"id": key, "image_id": number, "category_id": category, "bbox": box}
            annotations.append({**entry, "iscrowd": is_crowd})
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco(root: Path, file: str, names: Sequence[str], **options: Any) -> None:
    write(root / file, json.dumps(coco_json(names, **options)))


def drawn(root: Path, names: Sequence[str]) -> Sequence[str]:
    for name in names:
        pair(root, name, None)
    return names


def counts(data: DataSet) -> dict[str | None, int]:
    splits = data.splits() or (None,)
    return {split: int(data.in_split(split).sum()) for split in splits}


def texts(report: Report, rule: str) -> list[str]:
    return [each.text for each in report.findings if each.rule == rule]


def test_label_studios_yolo_export_is_yolo(tmp_path: Path) -> None:
    """Its ``notes.json`` has categories, and is no COCO."""
    yolo(tmp_path)
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    write(tmp_path / "notes.json", json.dumps({"categories": categories, "info": {"year": 2024}}))
    report = check(open_data(tmp_path))
    assert report.findings == ()
    assert (report.data.layout, len(report.data.images), len(report.data.boxes)) == ("YOLO", 10, 20)
    assert report.data.classes == ("cat", "dog")


@pytest.mark.parametrize("counted", ["images", "annotations", "categories"])
def test_a_json_with_counts_beside_yolo_hides_nothing(tmp_path: Path, counted: str) -> None:
    yolo(tmp_path)
    write(tmp_path / "summary.json", json.dumps({counted: 10, "licenses": []}))
    assert open_data(tmp_path).layout == "YOLO"


def test_a_background_image_takes_no_label_of_another_folder(tmp_path: Path) -> None:
    for i in range(1, 9):
        pair(tmp_path, f"images/dogs/{i}.jpg", f"labels/dogs/{i}.txt", "0 0.5 0.5 0.2 0.2\n")
    for i in range(1, 5):
        pair(tmp_path, f"images/not_dogs/{i}.jpg", None)
    data = open_data(tmp_path)
    assert (len(data.images), len(data.boxes)) == (12, 8)
    assert not any("not_dogs" in str(data.images[i].path) for i in data.boxes.image)


def test_a_label_whose_image_is_gone_goes_to_no_other_folder(tmp_path: Path) -> None:
    pair(tmp_path, "images/dogs/1.jpg", "labels/dogs/1.txt")
    write(tmp_path / "labels/dogs/2.txt", LINES)
    pair(tmp_path, "images/not_dogs/2.jpg", None)
    [text] = texts(check(open_data(tmp_path)), "box-of-no-image")
    assert text.startswith("labels/dogs/2.txt: it is not clear whether it is of images/not_dogs/2")


def test_a_missing_image_does_not_become_another_folders(umop: Umop, tmp_path: Path) -> None:
    names = [f"{folder}/{i:04}.jpg" for folder in "ab" for i in range(6)]
    coco(tmp_path, "instances.json", names)
    drawn(tmp_path / "images", [name for name in names if name not in ("b/0000.jpg", "b/0001.jpg")])
    report = check(open_data(tmp_path))
    assert texts(report, "image-missing") == [
        "instances.json lists b/0000.jpg",
        "instances.json lists b/0001.jpg",
    ]
    assert len(report.cleaned.boxes) == 20
    assert umop("data", "check", str(tmp_path))[0] == 2


def test_a_missing_image_of_voc_is_not_taken_from_another_split(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for i in range(6):
            write(tmp_path / split / f"{i:04}.xml", voc_xml(("cat", (8, 6, 24, 30))))
            if split == "valid" or i > 1:
                pair(tmp_path, f"{split}/{i:04}.jpg", None)
    assert texts(check(open_data(tmp_path)), "image-missing") == [
        "train/0000.xml lists train/0000",
        "train/0001.xml lists train/0001",
    ]


def test_img_beside_labels_belongs_to_them(tmp_path: Path) -> None:
    for split, numbers in (("train", range(10)), ("val", range(6, 14))):
        for i in numbers:
            pair(tmp_path, f"{split}/img/{i:04}.jpg", f"{split}/labels/{i:04}.txt")
    write(tmp_path / "data.yaml", "train: train/img\nval: val/img\nnames: [cat, dog]\n")
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert (len(report.data.images), len(report.data.boxes)) == (18, 36)


POSE = ("0 0.3 0.4 0.2 0.3 0.25 0.3 0.35 0.5\n", "0 0.6 0.5 0.3 0.5 0.5 0.3 0.7 0.7\n")


def test_keypoints_without_kpt_shape_are_behind_boxes(tmp_path: Path) -> None:
    yolo(tmp_path, lines="".join(POSE))
    report = check(open_data(tmp_path))
    [text] = texts(report, "keypoints-unnamed")
    assert "kpt_shape: [2, 2]" in text
    sides = np.tile([WIDTH, HEIGHT], 2)
    np.testing.assert_allclose(report.cleaned.boxes.corners[0] / sides, [0.2, 0.25, 0.4, 0.55])


def test_keypoints_of_some_boxes_are_seen(tmp_path: Path) -> None:
    yolo(tmp_path, lines=f"{POSE[0]}{POSE[1]}0 0.5 0.5 0.1 0.1\n")
    report = check(open_data(tmp_path))
    assert len(texts(report, "keypoints-unnamed")) == 1
    assert report.of("error") == ()


def test_a_wrong_kpt_shape_is_an_error(tmp_path: Path) -> None:
    yolo(tmp_path, lines="".join(POSE))
    write(tmp_path / "data.yaml", "train: images\nkpt_shape: [17, 3]\nnames: [cat, dog]\n")
    found = texts(check(open_data(tmp_path)), "annotation-numbers")
    assert len(found) == 20
    assert "is no class with 4 numbers or 55 as kpt_shape says" in found[0]


@pytest.mark.parametrize(
    "line",
    [
        "0 0.3 0.3 0.6 0.3 0.6 0.7 0.3 0.7",
        "0 0.45 0.3 0.6 0.45 0.45 0.6 0.3 0.45",
        "0 0.5 0.5 0.6 0.52 0.62 0.7 0.48 0.66",
    ],
)
def test_polygons_of_four_corners_are_no_keypoints(tmp_path: Path, line: str) -> None:
    yolo(tmp_path, lines=f"{line}\n")
    data = open_data(tmp_path)
    numbers = np.array(line.split()[1:], float)
    corners = [numbers[::2].min(), numbers[1::2].min(), numbers[::2].max(), numbers[1::2].max()]
    np.testing.assert_allclose(data.boxes.corners[0], corners)


def test_boxes_of_crowds_are_said(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", [f"{i}.jpg" for i in range(20)])
    coco(tmp_path, "annotations.json", names, crowd=True)
    report = check(open_data(tmp_path))
    assert texts(report, "box-crowd") == ["20 of 40 boxes are crowds (iscrowd 1)"]
    assert texts(report, "category-crowd") == ["'dog': 20 boxes, all crowds (iscrowd 1)"]


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


@pytest.mark.parametrize(("orientation", "said"), [(0, False), (9, False), (3, True)])
def test_exif_turns_only_what_it_can(tmp_path: Path, orientation: int, said: bool) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    for i in range(10):
        pair(tmp_path, f"images/{i}.jpg", f"labels/{i}.txt", exif=exif)
    write(tmp_path / "classes.txt", "cat\ndog\n")
    findings = check(open_data(tmp_path)).findings
    assert {each.rule for each in findings} == ({"exif-unclear"} if said else set())


def test_one_image_for_each_class_is_refused_with_the_reason(umop: Umop, tmp_path: Path) -> None:
    names = ["ace", "king", "queen", "jack", "ten", "nine"]
    for i in range(6):
        pair(tmp_path, f"images/{i}.jpg", f"labels/{i}.txt", f"{i} 0.5 0.5 0.4 0.4\n")
    write(tmp_path / "classes.txt", "\n".join(names))
    code, _, err = umop("data", "check", str(tmp_path))
    assert code == 2
    assert "6 images, 6 with boxes, and no class has two images" in err


def deep(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def test_values_of_few_bits_in_16_are_said(tmp_path: Path) -> None:
    spots = np.random.default_rng(0).integers(0, 4081, (4, HEIGHT, WIDTH), np.uint16)
    spots[:, 0, 0] = 4080
    for i, values in enumerate(spots):
        deep(tmp_path / f"images/{i}.png", values)
        write(tmp_path / f"labels/{i}.txt", LINES)
    found = texts(check(open_data(tmp_path)), "image-values")
    assert found[0] == "images/0.png: its values end at 4080, as 12 bits"
    assert len(found) == 4


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_values_of_few_bits_in_colours_are_said(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(0, 1023, (HEIGHT, WIDTH, 3)).astype(np.uint16)
    values[0, 0] = 1023
    yolo(tmp_path, 4)
    cv2.imwrite(str(tmp_path / f"images/img_04{suffix}"), values)
    [text] = texts(check(open_data(tmp_path)), "image-values")
    assert text == f"images/img_04{suffix}: its values end at 1023, as 10 bits"


def test_sixteen_bits_that_are_used_are_not_said(tmp_path: Path) -> None:
    for i in range(4):
        values = np.random.default_rng(i).integers(0, 65535, (HEIGHT, WIDTH), np.uint16)
        deep(tmp_path / f"images/{i}.png", values)
        write(tmp_path / f"labels/{i}.txt", LINES)
    assert texts(check(open_data(tmp_path)), "image-values") == []


def test_floats_from_0_to_1_are_said(tmp_path: Path) -> None:
    for i in range(4):
        deep(tmp_path / f"images/{i}.tif", np.random.default_rng(i).random((48, 64), np.float32))
        write(tmp_path / f"labels/{i}.txt", LINES)
    found = texts(check(open_data(tmp_path)), "image-values")
    assert len(found) == 4
    assert found[0].startswith("images/0.tif: its values are floats up to ")


def test_createml_is_not_called_coco(tmp_path: Path) -> None:
    """Label Studio's JSON, which had the same fate, is one of the layouts."""
    drawn(tmp_path, ["a.jpg"])
    box = {"label": "cat", "coordinates": {"x": 20, "y": 20, "width": 10, "height": 10}}
    content = [{"image": "a.jpg", "annotations": [box]}]
    write(tmp_path / "_annotations.createml.json", json.dumps(content))
    data = open_data(tmp_path)
    assert (data.layout, data.boxes.corners.tolist()) == ("CreateML", [[15, 15, 25, 25]])


def test_heic_is_named_as_such(umop: Umop, tmp_path: Path) -> None:
    """By its suffix, or by its content where its suffix says JPEG."""
    yolo(tmp_path)
    (tmp_path / "images/img_00.jpg").rename(tmp_path / "images/img_00.HEIC")
    (tmp_path / "images/img_01.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    code, out, _ = umop("data", "check", str(tmp_path))
    assert code == 2
    assert "images/img_00.HEIC: it is HEIC, which is not read: convert it to JPEG" in out
    assert "images/img_01.jpg: HEIC is not read: convert the image to JPEG" in out


def test_a_jpeg_without_its_end_is_said(tmp_path: Path) -> None:
    yolo(tmp_path)
    path = tmp_path / "images/img_00.jpg"
    path.write_bytes(path.read_bytes().removesuffix(b"\xff\xd9"))
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert texts(report, "image-without-end") == ["images/img_00.jpg: no end marker (FF D9)"]


def test_an_image_in_two_files_is_said_with_both(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", [f"{i:02}.jpg" for i in range(10)])
    coco(tmp_path, "annotations.json", names)
    coco(tmp_path, "annotations (copy).json", names[:8])
    report = check(open_data(tmp_path))
    assert (len(report.data.images), len(report.data.boxes)) == (10, 20)
    found = texts(report, "listed-twice")
    assert found[0] == "images/00.jpg: annotations (copy).json and annotations.json"
    assert len(found) == 8


def test_the_counts_of_the_check_are_those_of_training(umop: Umop, tmp_path: Path) -> None:
    for split, count in (("train", 8), ("valid", 8)):
        names = drawn(tmp_path / "a" / split, [f"{split}_{i}.jpg" for i in range(count)])
        coco(tmp_path, f"a/{split}/_annotations.coco.json", names)
    coco(tmp_path, "b/annotations.json", drawn(tmp_path / "b", [f"{i}.jpg" for i in range(10)]))
    code, out, err = umop("data", "check", str(tmp_path))
    assert code == 0, err
    assert "18 train, 8 val" in out
    assert "10 images, such as b/0.jpg" in out
