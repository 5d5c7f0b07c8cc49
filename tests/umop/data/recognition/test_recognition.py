"""A layout is known by its structure, not by a word in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import voc_xml, write
from tests.umop.data.reported import coco, coco_json, drawn, pair, texts, yolo
from umop.data.check import check
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def test_label_studios_yolo_export_is_yolo(tmp_path: Path) -> None:
    """Its ``notes.json`` has categories, and is not COCO."""
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


def test_createml_is_not_called_coco(tmp_path: Path) -> None:
    """Label Studio's JSON, which had the same fate, is one of the layouts."""
    drawn(tmp_path, ["a.jpg"])
    box = {"label": "cat", "coordinates": {"x": 20, "y": 20, "width": 10, "height": 10}}
    content = [{"image": "a.jpg", "annotations": [box]}]
    write(tmp_path / "_annotations.createml.json", json.dumps(content))
    data = open_data(tmp_path)
    assert (data.layout, data.boxes.corners.tolist()) == ("CreateML", [[15, 15, 25, 25]])


def test_a_copy_of_a_part_is_no_larger_than_the_whole(tmp_path: Path) -> None:
    """Images count once, however many files list them."""
    yolo(tmp_path)
    names = [f"images/img_{i:02}.jpg" for i in range(6)]
    coco(tmp_path, "part.json", names)
    coco(tmp_path, "part (backup).json", names)
    data = open_data(tmp_path)
    assert (data.layout, len(data.boxes)) == ("YOLO", 20)
    [issue] = [each for each in data.issues if each.rule == "layout-unused"]
    assert issue.text.startswith("COCO JSON: boxes of 6 images in 2 files")


def test_of_two_layouts_of_the_same_images_the_one_with_splits_is_read(tmp_path: Path) -> None:
    """As in the raccoons' repository: Pascal VOC without lists, and a table for each split."""
    yolo(tmp_path, 4)
    header = "image,x1,y1,x2,y2,label"
    for split, numbers in (("train", (0, 1, 2)), ("val", (3,))):
        rows = [f"img_{number:02}.jpg,2,2,30,30,cat" for number in numbers]
        write(tmp_path / f"{split}_labels.csv", "\n".join([header, *rows]))
    data = open_data(tmp_path)
    assert (data.layout, data.splits()) == ("CSV", ("train", "val"))


def test_images_that_are_not_there_do_not_choose_the_layout(tmp_path: Path) -> None:
    """As where a converter wrote the names of other files into COCO's."""
    yolo(tmp_path, 4)
    content = coco_json([f"{number:04}.jpg" for number in range(6)])
    write(tmp_path / "annotations/train.json", json.dumps(content))
    data = open_data(tmp_path)
    assert (data.layout, len(data.images)) == ("YOLO", 4)
    [issue] = [each for each in data.issues if each.rule == "layout-unused"]
    assert issue.text == (
        "COCO JSON: no box of an image that is there in 1 file, such as annotations/train.json"
    )


def test_images_that_only_another_layout_has_boxes_of_are_no_background(tmp_path: Path) -> None:
    """As where LabelImg was switched between its forms."""
    yolo(tmp_path, 4)
    pair(tmp_path, "images/background.jpg", None)
    for name in drawn(tmp_path / "images", ["a.jpg", "b.jpg"]):
        write((tmp_path / "images" / name).with_suffix(".xml"), voc_xml(("cat", (8, 6, 24, 30))))
    report = check(open_data(tmp_path))
    [error] = report.of("error")
    assert (error.rule, error.image) == ("layout-mixed", tmp_path / "images" / "a.jpg")
    assert error.text.startswith("Pascal VOC: boxes of 2 images that YOLO has none of, such as im")
    assert texts(report, "image-without-boxes") == ["images/background.jpg"]
    assert len(report.cleaned.images) == 5


def test_crowds_are_no_boxes_that_another_layout_lacks(tmp_path: Path) -> None:
    """As in COCO beside the labels that Ultralytics makes of it."""
    yolo(tmp_path, 4)
    content = coco_json(drawn(tmp_path / "images", ["a.jpg"]), crowd=True)
    content["annotations"] = [each for each in content["annotations"] if each["iscrowd"]]
    write(tmp_path / "instances.json", json.dumps(content))
    report = check(open_data(tmp_path))
    assert (report.data.layout, report.of("error")) == ("YOLO", ())
    assert texts(report, "image-without-boxes") == ["images/a.jpg"]


def test_images_with_an_empty_file_of_their_own_are_background(tmp_path: Path) -> None:
    """As where a table lists what a model found on them."""
    yolo(tmp_path, 6)
    for number in (0, 1):
        write(tmp_path / f"labels/img_{number:02}.txt", "")
    rows = [f"img_{number:02}.jpg,2,2,30,30,cat" for number in (0, 1)]
    write(tmp_path / "false_positives.csv", "\n".join(["image,x1,y1,x2,y2,label", *rows]))
    report = check(open_data(tmp_path))
    assert (report.data.layout, len(report.cleaned.images), report.of("error")) == ("YOLO", 6, ())
    [text] = texts(report, "background-labelled")
    assert text.startswith("CSV: boxes of 2 images that YOLO has none of, such as images/img_00")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("_annotations.txt", "a.jpg 10,8,22,26,0 35,12,53,36,1"),
        ("annotate.txt", "train/a.jpg,10,8,22,26,cat"),
    ],
)
def test_tables_in_text_files_are_named(tmp_path: Path, name: str, line: str) -> None:
    drawn(tmp_path / "train", ["a.jpg", "b.jpg"])
    write(tmp_path / name, f"{line}\n")
    with pytest.raises(UserError, match=rf"{name} is a table: save it as \.csv"):
        open_data(tmp_path)


def test_crowdhumans_lines_are_named(tmp_path: Path) -> None:
    drawn(tmp_path / "Images", ["a.jpg"])
    write(tmp_path / "annotation_train.odgt", '{"ID": "a", "gtboxes": []}\n')
    with pytest.raises(UserError, match=r"annotation_train\.odgt is CrowdHuman's"):
        open_data(tmp_path)


@pytest.mark.parametrize("stray", ["model.pth", "cache.pkl", "video.mp4"])
def test_a_stray_file_does_not_hide_the_reason(tmp_path: Path, stray: str) -> None:
    drawn(tmp_path / "images", ["a.jpg"])
    write(tmp_path / "labels/a.txt", "0,0.5,0.5,0.2,0.2\n")
    write(tmp_path / stray, "x")
    reason = (
        r"Nearest: YOLO, whose label files have .*; labels/a\.txt has '0,0\.5,0\.5,0\.2,0\.2'\. "
    )
    with pytest.raises(UserError, match=f"{reason}{stray} is "):
        open_data(tmp_path)


def test_a_file_that_is_all_there_is_beside_images_is_named(tmp_path: Path) -> None:
    drawn(tmp_path / "images", ["a.jpg"])
    write(tmp_path / "labels.pkl", "x")
    with pytest.raises(UserError, match=r": labels\.pkl is a Python pickle"):
        open_data(tmp_path)


def test_a_jpe_is_a_jpeg(tmp_path: Path) -> None:
    yolo(tmp_path, 4)
    for path in (tmp_path / "images").iterdir():
        path.rename(path.with_suffix(".jpe"))
    report = check(open_data(tmp_path))
    assert (len(report.cleaned.images), report.of("error")) == (4, ())


def test_images_of_a_format_that_is_not_read_are_named(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.ppm", "b.ppm"])
    rows = "a.ppm,4,5,20,30,cat\nb.ppm,4,5,20,30,cat\n"
    write(tmp_path / "labels.csv", f"image,x1,y1,x2,y2,label\n{rows}")
    found = texts(check(open_data(tmp_path)), "image-unreadable")
    assert found[0] == "a.ppm: it is PPM, which is not read: convert it to JPEG or PNG"
    assert len(found) == 2
