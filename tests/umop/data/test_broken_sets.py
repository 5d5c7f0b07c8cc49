"""Data sets that went wrong on the way here, each with what is said about it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import (
    LINES,
    coco,
    coco_json,
    counts,
    drawn,
    pair,
    texts,
    yolo,
)
from umop.data.check import check
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")

XML = voc_xml(("cat", (8, 6, 24, 30)))


def voc(root: Path, *names: str) -> None:
    for name in names:
        pair(root, f"JPEGImages/{name}.jpg", None)
        write(root / f"Annotations/{name}.xml", XML)


def test_of_two_layouts_that_share_the_images_both_are_said(tmp_path: Path) -> None:
    """As where a labelling tool was switched from one to the other half-way."""
    voc(tmp_path, *"abcdef")
    for name in "ghij":
        pair(tmp_path, f"JPEGImages/{name}.jpg", f"JPEGImages/{name}.txt")
    report = check(open_data(tmp_path))
    assert report.data.layout == "Pascal VOC"
    [text] = texts(report, "layout-unused")
    assert text == "YOLO: boxes of 4 images in 4 files, such as JPEGImages/g.txt"
    assert len(texts(report, "image-unlisted")) == 4


def test_a_broken_file_in_another_layout_is_said(tmp_path: Path) -> None:
    yolo(tmp_path, 4)
    write(tmp_path / "_annotations.coco.json", "{")
    report = check(open_data(tmp_path))
    assert report.data.layout == "YOLO"
    assert texts(report, "layout-unused") == [
        "COCO JSON: no box in 1 file, such as _annotations.coco.json"
    ]


def test_stray_xml_files_hide_no_voc(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path / f"a{i}.xml", "<!-- settings --><project/>")
    voc(tmp_path, *"abcd")
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert len(report.data.images) == 4


def test_file_names_that_were_copied_do_not_join_two_images(tmp_path: Path) -> None:
    """Each XML file says ``a.jpg``; the image of one of them is gone."""
    voc(tmp_path, *"abc")
    for path in (tmp_path / "Annotations").iterdir():
        path.write_text(XML.replace("<size>", "<filename>a.jpg</filename><size>"))
    (tmp_path / "JPEGImages/c.jpg").unlink()
    report = check(open_data(tmp_path))
    [text] = texts(report, "file-claimed-twice")
    assert text == "JPEGImages/a.jpg: Annotations/a.xml and Annotations/c.xml, files of two images"
    assert len(report.cleaned.boxes) == 2


def test_a_file_that_names_another_image_is_said(tmp_path: Path) -> None:
    voc(tmp_path, *"abc")
    text = XML.replace("<size>", "<filename>b.jpg</filename><size>")
    write(tmp_path / "Annotations/a.xml", text)
    assert texts(check(open_data(tmp_path)), "image-named-otherwise") == [
        "Annotations/a.xml: it names JPEGImages/b.jpg, and is taken for JPEGImages/a.jpg"
    ]


def test_a_description_may_lie_beside_its_folder(tmp_path: Path) -> None:
    """As Ultralytics' own do, whose ``path`` is elsewhere."""
    for i in range(3):
        folders = ("set/images/train2017", "set/labels/train2017")
        pair(tmp_path, f"{folders[0]}/{i}.jpg", f"{folders[1]}/{i}.txt")
    text = "path: ../datasets/set\ntrain: images/train2017\nnames: {0: cat, 1: dog}\n"
    write(tmp_path / "set.yaml", text)
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert counts(report.data) == {"train": 3}


def test_an_older_copy_of_the_annotations_is_said(tmp_path: Path) -> None:
    voc(tmp_path, *"abcd")
    for name in "abcd":
        write(tmp_path / f"Annotations_old/{name}.xml", XML)
    report = check(open_data(tmp_path))
    assert (len(report.data.images), len(report.data.boxes)) == (4, 4)
    assert len(texts(report, "listed-twice")) == 4


def test_two_images_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    drawn(tmp_path, [f"day{day}/{i}.jpg" for day in (1, 2) for i in range(3)])
    coco(tmp_path, "instances.json", [f"{i}.jpg" for i in range(3)])
    assert len(texts(check(open_data(tmp_path)), "image-missing")) == 3


def test_images_that_were_put_into_one_folder_keep_their_boxes_apart(tmp_path: Path) -> None:
    drawn(tmp_path / "images", ["0.jpg", "1.jpg"])
    coco(tmp_path, "a.json", ["cam1/0.jpg", "cam2/0.jpg", "cam1/1.jpg"])
    report = check(open_data(tmp_path))
    assert texts(report, "image-missing") == ["a.json lists cam1/0.jpg", "a.json lists cam2/0.jpg"]
    assert len(report.cleaned.boxes) == 2


def test_a_file_for_each_class_is_one_data_set(tmp_path: Path) -> None:
    names = drawn(tmp_path / "images", [f"{i}.jpg" for i in range(4)])
    for category in (1, 2):
        content = coco_json(names)
        boxes = content["annotations"]
        content["annotations"] = [each for each in boxes if each["category_id"] == category]
        write(tmp_path / f"class{category}.json", json.dumps(content))
    data = open_data(tmp_path)
    assert (len(data.images), np.bincount(data.boxes.label).tolist()) == (4, [4, 4])


def test_of_two_copies_beside_the_splits_nothing_is_kept(tmp_path: Path) -> None:
    """One of them has an older box, which must not come back."""
    names = drawn(tmp_path / "images", [f"{i}.jpg" for i in range(6)])
    coco(tmp_path, "all.json", names)
    content = coco_json(names)
    content["annotations"][0]["bbox"] = [1, 1, 30, 30]
    write(tmp_path / "backup.json", json.dumps(content))
    coco(tmp_path, "train.json", names[:4])
    coco(tmp_path, "val.json", names[4:])
    data = open_data(tmp_path)
    assert (counts(data), len(data.boxes)) == ({"train": 4, "val": 2}, 12)


def test_coco_beside_cocos_own_file_names_is_read(tmp_path: Path) -> None:
    """Captions list the images once more; a file of one's own is none."""
    for file, part in (
        ("instances_train", "abc"),
        ("person_keypoints_train", "abc"),
        ("val", "de"),
    ):
        names = drawn(tmp_path / "images", [f"{name}.jpg" for name in part])
        coco(tmp_path, f"annotations/{file}.json", names)
    report = check(open_data(tmp_path))
    assert counts(report.data) == {"train": 3, "val": 2}
    assert texts(report, "listed-twice") == []


def test_a_second_description_is_said(tmp_path: Path) -> None:
    for part, names in (("a", "[cat, dog]"), ("b", "[dog, cat]")):
        pair(tmp_path, f"{part}/images/{part}.jpg", f"{part}/labels/{part}.txt")
        write(tmp_path / f"{part}/data.yaml", f"train: images\nnames: {names}\n")
    report = check(open_data(tmp_path))
    assert texts(report, "list-unused") == [
        "b/data.yaml: not used, since a/data.yaml describes the data"
    ]


def test_boxes_to_ignore_are_crowds(tmp_path: Path) -> None:
    """As in CrowdHuman's export, of which evaluation counts neither hits nor misses."""
    content = coco_json(drawn(tmp_path / "images", ["a.jpg", "b.jpg"]))
    content["annotations"][0]["ignore"] = 1
    write(tmp_path / "a.json", json.dumps(content))
    assert open_data(tmp_path).boxes.crowd.tolist() == [True, False, False, False]


@pytest.mark.parametrize("start", ["", "JPEGImages/", "VOC\\JPEGImages\\"])
def test_lists_of_voc_may_have_suffixes_and_folders(tmp_path: Path, start: str) -> None:
    voc(tmp_path, *"abcd")
    write(tmp_path / "ImageSets/Main/train.txt", f"{start}a.jpg\n{start}b.jpg\n")
    write(tmp_path / "ImageSets/Main/val.txt", f"{start}c.jpg\n{start}d.jpg\n")
    assert counts(open_data(tmp_path)) == {"train": 2, "val": 2}


POLYGONS = {
    "numbered": "<x1>4</x1><y1>5</y1><x2>20</x2><y2>5</y2><x3>9</x3><y3>30</y3>",
    "points": "<pt><x>4</x><y>5</y></pt><pt><x>20</x><y>5</y></pt><pt><x>9</x><y>30</y></pt>",
}
ZEROS = "<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>0</xmax><ymax>0</ymax></bndbox>"


@pytest.mark.parametrize("box", ["", ZEROS])
@pytest.mark.parametrize("form", POLYGONS)
def test_a_polygon_of_voc_without_a_box_gets_the_one_around_it(
    tmp_path: Path, form: str, box: str
) -> None:
    voc(tmp_path, "a", "b")
    item = f"<object><name>dog</name>{box}<polygon>{POLYGONS[form]}</polygon></object>"
    write(tmp_path / "Annotations/a.xml", XML.replace("</annotation>", f"{item}</annotation>"))
    report = check(open_data(tmp_path))
    assert texts(report, "box-of-polygon") == ["Annotations/a.xml: object 2, dog"]
    assert report.data.boxes.corners[1].tolist() == [4, 5, 20, 30]
    assert report.of("error") == ()


@pytest.mark.parametrize(
    "mask",
    [
        [[4, 5, 20, 5, 9, 30]],
        {"size": [48, 64], "counts": [4 * 48 + 5, 25, 15 * 48 - 25, 25, 45 * 48 - 30]},
    ],
)
def test_a_box_of_zeros_beside_a_mask_is_that_around_it(tmp_path: Path, mask: object) -> None:
    content = coco_json(drawn(tmp_path / "images", ["a.jpg", "b.jpg"]))
    content["annotations"][0] |= {"bbox": [0, 0, 0, 0], "segmentation": mask}
    write(tmp_path / "a.json", json.dumps(content))
    report = check(open_data(tmp_path))
    assert texts(report, "box-of-polygon") == ["a.json: annotation 1: the box is 0, 0, 0, 0"]
    assert report.data.boxes.corners[0].tolist() == [4, 5, 20, 30]


def test_a_label_file_of_two_images_is_said(tmp_path: Path) -> None:
    yolo(tmp_path, 4)
    pair(tmp_path, "images/img_00.png", None)
    assert texts(check(open_data(tmp_path)), "labels-shared") == [
        "labels/img_00.txt: images/img_00.jpg and images/img_00.png both have it"
    ]


def test_a_label_file_beside_another_is_said(tmp_path: Path) -> None:
    yolo(tmp_path, 4)
    write(tmp_path / "labels_old/img_00.txt", LINES)
    assert texts(check(open_data(tmp_path)), "labels-unused") == [
        "labels_old/img_00.txt: images/img_00.jpg has labels/img_00.txt"
    ]


def test_two_vocs_in_one_folder_keep_their_lists(tmp_path: Path) -> None:
    for year in ("VOC2007", "VOC2012"):
        voc(tmp_path / year, "0", "1", "Img_2")
        write(tmp_path / year / "ImageSets/Main/train.txt", "0\n1\n")
        write(tmp_path / year / "ImageSets/Main/val.txt", "img_2\n")
    report = check(open_data(tmp_path))
    assert report.of("error") == ()
    assert counts(report.data) == {"train": 4, "val": 2}


def test_an_empty_folder_for_validation_is_said(tmp_path: Path) -> None:
    pair(tmp_path, "train/images/a.jpg", "train/labels/a.txt")
    (tmp_path / "valid/images").mkdir(parents=True)
    write(tmp_path / "data.yaml", "train: train/images\nval: valid/images\nnames: [cat, dog]\n")
    report = check(open_data(tmp_path))
    assert texts(report, "list-unused") == ["data.yaml: valid/images holds no images"]


def test_lines_with_commas_are_shown(tmp_path: Path) -> None:
    yolo(tmp_path, 4, lines="0,0.25,0.4,0.2,0.4\n")
    with pytest.raises(UserError, match=r"labels/img_00.txt has '0,0.25,0.4,0.2,0.4'"):
        open_data(tmp_path)


OTHERS = {
    "annotations/default.json": (
        {"categories": {"label": {}}, "items": [{"id": "a", "annotations": []}]},
        "Datumaro's JSON: export it as COCO",
    ),
    "via.json": (
        {"project": {}, "config": {}, "attribute": {}, "file": {}, "metadata": {}, "view": {}},
        "VIA 3's project: export it as COCO",
    ),
    "a.json": (
        {"version": "2.0", "item": {"name": "a.jpg"}, "annotations": [{"name": "cat"}]},
        "V7 Darwin's JSON: export it as COCO",
    ),
    "train/metadata.jsonl": (
        {"file_name": "a.jpg", "objects": [{"bbox": [1, 2, 3, 4], "category": 0}]},
        "Hugging Face's metadata, without a list of boxes: write them as COCO",
    ),
    "export.ndjson": ({"data_row": {}}, "JSON lines, such as Labelbox's or Ultralytics'"),
    "vertex.jsonl": ({"imageGcsUri": "gs://a.jpg"}, "JSON lines, such as Labelbox's"),
    "samples.json": (
        {"samples": [{"filepath": "data/a.jpg", "ground_truth": {}}]},
        "FiftyOne's dataset: export it as COCO",
    ),
    "labels.json": (
        {"classes": ["cat"], "labels": {"a": [{"label": 0, "bounding_box": [0, 0, 1, 1]}]}},
        "FiftyOne's dataset: export it as COCO",
    ),
    "train.tfrecord": ({}, "TFRecord: export COCO or Pascal VOC"),
}


@pytest.mark.parametrize("file", OTHERS)
def test_formats_that_are_not_read_are_named(tmp_path: Path, file: str) -> None:
    content, text = OTHERS[file]
    pair(tmp_path, "images/a.jpg", None)
    write(tmp_path / file, json.dumps(content))
    with pytest.raises(UserError, match=f"{file} is {text}"):
        open_data(tmp_path)


def test_label_studios_csv_is_named(tmp_path: Path) -> None:
    pair(tmp_path, "a.jpg", None)
    write(tmp_path / "p.csv", "annotation_id,id,image,label,lead_time\n1,1,a.jpg,[],2.5\n")
    with pytest.raises(UserError, match=r"p.csv is Label Studio's CSV: export JSON"):
        open_data(tmp_path)
