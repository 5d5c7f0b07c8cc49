"""Exports as they lie on disk: several beside each other, packed, with paths from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.umop.data.layouts.writers import LAYOUTS, voc_xml
from tests.umop.data.samples import coco, draw
from umop.data.conversion.convert import convert
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")

XML = voc_xml(("cat", (8, 6, 24, 30)))


@pytest.mark.parametrize("layout", ["CVAT", "Label Studio", "Label Studio's JSON-MIN", "VIA"])
def test_two_exports_with_the_same_names_keep_their_images(tmp_path: Path, layout: str) -> None:
    for task in ("task 1", "task 2"):
        (tmp_path / task).mkdir()
        LAYOUTS[layout](tmp_path / task)
    data = open_data(tmp_path)
    assert all(image.path.is_file() for image in data.images)
    assert (len(data.images), len(data.boxes), data.issues) == (4, 6, ())


@pytest.mark.parametrize("tags", ["", "<filename> </filename>"])
def test_voc_may_name_its_image_by_its_path_alone(tmp_path: Path, tags: str) -> None:
    draw(tmp_path / "images" / "a.jpg", 1)
    (tmp_path / "xml").mkdir()
    path = "<path>D:\\labels\\images\\a.jpg</path>"
    text = XML.replace("<annotation>", f"<annotation>{tags}{path}")
    (tmp_path / "xml" / "ann_1.xml").write_text(text)
    [image] = open_data(tmp_path).images
    assert image.path == tmp_path / "images" / "a.jpg"


def test_a_name_with_a_space_before_it_is_listed_as_it_is(tmp_path: Path) -> None:
    coco(tmp_path / "data", {"train": 1, "val": 1})
    content = json.loads((tmp_path / "data" / "train.json").read_text())
    file = tmp_path / "data" / "train" / content["images"][0]["file_name"]
    file.rename(file.with_name(" a.png"))
    content["images"][0]["file_name"] = " a.png"
    (tmp_path / "data" / "train.json").write_text(json.dumps(content))
    convert(tmp_path / "data", tmp_path / "copy", "voc")
    data = open_data(tmp_path / "copy")
    assert (data.splits(), len(data.boxes), data.issues) == (("train", "val"), 4, ())


@pytest.mark.parametrize("beside", [None, "images/a.jpg", "annotations.json"])
def test_an_archive_inside_is_named(tmp_path: Path, beside: str | None) -> None:
    with ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("a.txt", "what is missing")
    if beside == "images/a.jpg":
        draw(tmp_path / beside, 1)
    elif beside:
        content = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []}
        (tmp_path / beside).write_text(json.dumps({**content, "categories": []}))
    with pytest.raises(UserError, match=r"Unpack packed\.zip first"):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("gt.txt", "0,2,0,5,6,18,20,cat,1,25,6,18,21,dog\n", "MOT's or DarkLabel's"),
        ("_classes.csv", "filename, cat, dog\na.jpg, 1, 0\n", "Roboflow's multi-class CSV"),
        (
            "detections.json",
            '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]',
            "COCO's results",
        ),
    ],
)
def test_what_has_no_boxes_of_images_is_named(
    tmp_path: Path, name: str, text: str, kind: str
) -> None:
    draw(tmp_path / "a.jpg", 1)
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=f"{name} is {kind}"):
        open_data(tmp_path)
