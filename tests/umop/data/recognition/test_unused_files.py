"""Files beside good annotations that hold boxes or name images, and are not read."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import coco, coco_json, drawn, texts, yolo
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

RESULT = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
FILES = {
    "detections.json": (json.dumps([RESULT]), "COCO's results, which have no images"),
    "found.json": (json.dumps({"a": {"boxes": [[1, 2, 3, 4]]}}), "has boxes"),
    "splits.json": (json.dumps({"train": ["img_00.jpg"]}), "names images"),
    "split.csv": ("image,split\nimg_00,train\nimg_01,val\n", "names images"),
    "wheat.csv": ('image_id,bbox\nimg_00,"[1, 2, 3, 4]"\n', "has boxes"),
    "gt.xml": ("<tracks><box/><bndbox/></tracks>", "has boxes"),
    "gt.txt": ("0,2,0,5,6,18,20,cat,1,25,6,18,21,dog\n", "MOT's or DarkLabel's"),
    "good.txt": ("images/img_00.jpg\nimages/img_01.jpg\n", "names images"),
    "val.json.txt": (json.dumps(coco_json(["img_00.jpg"])), "has boxes"),
    "more.parquet": ("PAR1", "a table of Hugging Face's"),
    "crowns.kml": ("<kml/>", "a map's shapes"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_says_something_and_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    yolo(tmp_path)
    text, said = FILES[name]
    write(tmp_path / name, text)
    report = check(open_data(tmp_path))
    [found] = report.findings
    assert (found.rule, found.severity) == ("file-unused", "warning")
    assert found.text.startswith(f"{name}: {said}")


def test_an_archive_beside_labels_is_named(tmp_path: Path) -> None:
    yolo(tmp_path)
    with ZipFile(tmp_path / "labels.zip", "w") as archive:
        archive.writestr("a.txt", "0 0.5 0.5 0.1 0.1\n")
    [text] = texts(check(open_data(tmp_path)), "file-unused")
    assert text == "labels.zip: an archive, which is not opened: unpack it"


def test_files_of_one_kind_are_named_together(tmp_path: Path) -> None:
    yolo(tmp_path)
    for i in range(5):
        write(tmp_path / f"exif/{i}.json", json.dumps({"polygon": []}))
    [text] = texts(check(open_data(tmp_path)), "file-unused")
    assert text.count(".json") == 3
    assert text.endswith("and 2 more: has boxes")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"name": "labels", "boxed": {"version": 3}}'),
        ("results.csv", "epoch,loss,map\n1,0.5,0.1\n2,0.4,0.2\n"),
        ("pom.xml", "<project><name>labels</name></project>"),
        ("README.txt", "Exported from a tool.\n"),
    ],
)
def test_what_says_nothing_of_images_is_not(tmp_path: Path, name: str, text: str) -> None:
    yolo(tmp_path)
    write(tmp_path / name, text)
    assert check(open_data(tmp_path)).findings == ()


def test_a_list_that_a_description_names_is_used(tmp_path: Path) -> None:
    yolo(tmp_path)
    names = [f"images/img_{i:02}.jpg\n" for i in range(10)]
    write(tmp_path / "first.txt", "".join(names[:5]))
    write(tmp_path / "second.txt", "".join(names[5:]))
    write(tmp_path / "data.yaml", "train: first.txt\nval: second.txt\nnames: [cat, dog]\n")
    assert texts(check(open_data(tmp_path)), "file-unused") == []


def test_cocos_files_of_other_kinds_are_noted(tmp_path: Path) -> None:
    names = drawn(tmp_path / "train2017", ["a.jpg", "b.jpg"])
    for kind in ("instances", "person_keypoints"):
        coco(tmp_path, f"annotations/{kind}_train2017.json", names)
    report = check(open_data(tmp_path))
    [text] = texts(report, "companion-unused")
    assert text.startswith("annotations/person_keypoints_train2017.json")
    assert texts(report, "file-unused") == []


@pytest.mark.parametrize("name", ["log.txt", "labels/more.txt", "embeddings.csv", "b.tsv"])
def test_of_a_large_file_beside_the_data_only_the_start_is_read(tmp_path: Path, name: str) -> None:
    yolo(tmp_path, 2)
    write(tmp_path / name, "word,0.1,0.2,0.3,0.4\n")
    os.truncate(tmp_path / name, 2**25)
    tracemalloc.start()
    data = open_data(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (data.layout, len(data.boxes)) == ("YOLO", 4)
    assert peak < 2**23
