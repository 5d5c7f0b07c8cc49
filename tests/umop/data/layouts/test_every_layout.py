"""The same two images and boxes, read from every layout."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from tests.umop.conftest import Umop
from tests.umop.data.layouts.writers import (
    CAT,
    DOG,
    LAYOUTS,
    TRAIN,
    VAL,
    csv_table,
    voc,
    voc_xml,
    write,
)
from tests.umop.data.samples import HEIGHT, WIDTH, draw
from umop.data.check import check
from umop.data.dataset import DataSet
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def same_data(data: DataSet) -> None:
    """Checks that the two images and their boxes were read."""
    report = check(data)
    assert report.of("error") == (), report.findings
    cleaned = report.cleaned
    assert cleaned.classes == ("cat", "dog")
    by_name = {image.path.name: i for i, image in enumerate(cleaned.images)}
    assert by_name.keys() == {TRAIN, VAL}
    for name, split, boxes in ((TRAIN, "train", [CAT, DOG]), (VAL, "val", [DOG])):
        assert cleaned.images[by_name[name]].split == split
        assert cleaned.images[by_name[name]].width == WIDTH
        rows = cleaned.boxes.image == by_name[name]
        np.testing.assert_allclose(cleaned.boxes.corners[rows], boxes, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_is_read(tmp_path: Path, layout: str) -> None:
    LAYOUTS[layout](tmp_path / "data")
    same_data(open_data(tmp_path / "data"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_read_from_a_zip_and_from_what_convert_writes(
    umop: Umop, tmp_path: Path, layout: str
) -> None:
    LAYOUTS[layout](tmp_path / "data")
    archive = tmp_path / "data.zip"
    with ZipFile(archive, "w") as content:
        for path in (tmp_path / "data").rglob("*"):
            content.write(path, path.relative_to(tmp_path))
    same_data(open_data(archive))
    code, out, err = umop("data", "convert", str(archive), str(tmp_path / "plain"))
    assert code == 0, err
    assert "COCO JSON, 1 train, 1 val, 3 boxes, 2 classes" in out
    assert (tmp_path / "plain" / "train" / TRAIN).is_file()
    same_data(open_data(tmp_path / "plain"))


@pytest.mark.parametrize(
    ("box", "rule"),
    [((50, 36, 20, 20), "convention-centre"), ((30, 20, 60, 46), "convention-corners")],
)
def test_a_table_of_sizes_that_holds_something_else_is_found(
    tmp_path: Path, box: tuple[int, ...], rule: str
) -> None:
    lines = ["filename,x,y,width,height,class"]
    for number in range(10):
        draw(tmp_path / f"{number}.png", number)
        lines.append(f"{number}.png,{','.join(map(str, box))},cat")
    write(tmp_path / "boxes.csv", "\n".join(lines))
    errors = check(open_data(tmp_path)).of("error")
    assert [error.rule for error in errors] == [rule] * 10


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ({"bbox": [[1, 2, 3, 4]]}, "boxes: 1, categories: 0"),
        ({"bbox": [[1, 2, 3]], "category": [0]}, "not enough values to unpack (expected 4, got 3)"),
        ({"bbox": [[1, 2, 3, None]], "label": [0]}, "TypeError("),
        ({"bbox": [], "label": "["}, "boxes: 0, categories: 1"),
    ],
)
def test_an_image_whose_boxes_cannot_be_read_is_no_background(
    tmp_path: Path, objects: dict[str, list[object]], text: str
) -> None:
    LAYOUTS["Hugging Face"](tmp_path)
    line = json.dumps({"file_name": TRAIN, "objects": objects})
    write(tmp_path / "train" / "metadata.jsonl", line)
    data = open_data(tmp_path)
    [issue] = data.issues
    assert issue.text.startswith(f"train/metadata.jsonl: line 1 is not Hugging Face's: {text}")
    assert [image.written for image in data.images] == [VAL]


@pytest.mark.parametrize("layout", ["Hugging Face", "Ground Truth"])
def test_a_line_of_json_that_is_nested_without_end(tmp_path: Path, layout: str) -> None:
    LAYOUTS[layout](tmp_path)
    [path, _] = sorted({*tmp_path.rglob("*.jsonl"), *tmp_path.rglob("*.manifest")})
    path.write_text(f"{path.read_text()}{'[' * 100_000}\n")
    [issue] = open_data(tmp_path).issues
    assert issue.text.endswith("it is nested without end")


def test_a_split_whose_first_image_has_no_objects_is_read(tmp_path: Path) -> None:
    LAYOUTS["Hugging Face"](tmp_path)
    path = tmp_path / "val" / "metadata.jsonl"
    first = json.dumps({"file_name": "empty.png", "objects": None, "text": "a\u2028line"})
    path.write_text(f"{first}\n{path.read_text()}".replace("\\u2028", "\u2028"), "utf-8")
    draw(tmp_path / "val" / "empty.png", 9)
    data = open_data(tmp_path)
    assert data.issues == ()
    assert {image.written for image in data.images} == {TRAIN, VAL, "empty.png"}


def test_a_line_of_hugging_faces_without_objects_is_background(tmp_path: Path) -> None:
    LAYOUTS["Hugging Face"](tmp_path)
    lines = tmp_path / "val" / "metadata.jsonl"
    line = json.dumps({"file_name": "empty.png", "objects": None})
    lines.write_text(f"{lines.read_text()}{line}\n")
    draw(tmp_path / "val" / "empty.png", 9)
    data = open_data(tmp_path)
    assert data.issues == ()
    assert {image.written for image in data.images} == {TRAIN, VAL, "empty.png"}
    assert len(data.boxes) == 3


def test_a_quote_left_open_in_a_table_takes_no_other_lines(tmp_path: Path) -> None:
    csv_table(tmp_path)
    for path in tmp_path.rglob("*.csv"):
        path.write_text(path.read_text().replace("cat", '"cat'))
    same_data(open_data(tmp_path))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('[{"shapes": []}]', "it holds a list, not an object with shapes"),
        ('{"shapes": null}', "its shapes are null, not a list"),
    ],
)
def test_what_is_not_labelmes(tmp_path: Path, content: str, text: str) -> None:
    LAYOUTS["LabelMe"](tmp_path)
    (tmp_path / "train" / "first one.json").write_text(content)
    [issue] = open_data(tmp_path).issues
    assert issue.text == f"train/first one.json: not LabelMe's JSON: {text}"


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        ('<mask rle="3, 5" left="8" top="6" width="16" height="24"/>', [8, 6, 24, 30]),
        ('<ellipse cx="16" cy="18" rx="8" ry="12"/>', [8, 6, 24, 30]),
        ('<ellipse cx="16" cy="18" rx="8" ry="12" rotation="90.00"/>', [4, 10, 28, 26]),
        ('<box xtl="8" ytl="6" xbr="24" ybr="30" rotation="90.00"/>', [4, 10, 28, 26]),
        ('<polygon points="8,6;24,6;10,30"/>', [8, 6, 24, 30]),
    ],
)
def test_the_boxes_of_cvats_shapes(tmp_path: Path, shape: str, corners: list[float]) -> None:
    cvat_image(tmp_path, shape.replace(" ", ' label="cat" ', 1) + '<points points="1,2"/>')
    data = open_data(tmp_path)
    np.testing.assert_allclose(data.boxes.corners, [corners])
    [left_out] = data.issues
    assert left_out.rule == "shape-without-box"
    assert left_out.text == "annotations.xml: a.png: points"


def test_cvats_form_for_video_is_named(tmp_path: Path) -> None:
    cvat_image(tmp_path, "")
    path = tmp_path / "annotations.xml"
    path.write_text(path.read_text().replace("image", "track"))
    assert "export the task as 'CVAT for images 1.1'" in open_data(tmp_path).issues[0].text


def cvat_image(root: Path, shapes: str) -> None:
    """Writes an image with shapes, as CVAT does."""
    draw(root / "images" / "a.png", 1)
    image = f'<image name="a.png" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>'
    write(root / "annotations.xml", f"<annotations><version>1.1</version>{image}</annotations>")


def test_labelmes_points_are_left_out_and_its_data_may_come_first(tmp_path: Path) -> None:
    LAYOUTS["LabelMe"](tmp_path)
    path = tmp_path / "train" / "first one.json"
    content = json.loads(path.read_text())
    content["shapes"].append({"label": "cat", "shape_type": "point", "points": [[3, 4]]})
    path.write_text(json.dumps({"imageData": "A" * 100_000, **content}))
    data = open_data(tmp_path)
    assert len(data.boxes) == 3
    assert [each.text for each in data.issues] == ["train/first one.json: shape 3 is a point"]


def test_the_lists_that_cvat_writes_for_voc(tmp_path: Path) -> None:
    voc(tmp_path)
    (tmp_path / "ImageSets" / "Main" / "val.txt").rename(
        tmp_path / "ImageSets" / "Main" / "Validation.txt"
    )
    same_data(open_data(tmp_path))


def test_vocs_sizes_for_corners_are_guessed(tmp_path: Path) -> None:
    voc(tmp_path / "data")
    for name in ("first one", "second"):
        path = tmp_path / "data" / "Annotations" / f"{name}.xml"
        write(path, voc_xml(("dog", (40, 20, 12, 16)), ("cat", (30, 10, 20, 30))))
    report = check(open_data(tmp_path / "data"))
    assert {each.rule for each in report.of("error")} == {"convention-sizes"}
    assert report.cleaned.boxes.corners[0].tolist() == [40, 20, 52, 36]


def test_a_listed_annotation_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    voc(tmp_path / "data")
    write(tmp_path / "data" / "ImageSets" / "Main" / "train.txt", "first one\nthird\n")
    write(tmp_path / "data" / "Annotations" / "second.xml", "<annotation>")
    texts = {each.rule: each.text for each in check(open_data(tmp_path / "data")).findings}
    assert texts["annotation-missing"].startswith("Annotations/third.xml: ")
    assert texts["annotations-unreadable"].startswith("Annotations/second.xml: not XML")


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        (".txt", "Found: 1 .png, 1 .txt. Nearest: YOLO"),
        (".xml", "Nearest: Pascal VOC"),
        (".csv", "Nearest: CSV"),
        (".md", "no annotations"),
    ],
)
def test_what_is_not_recognised(tmp_path: Path, suffix: str, message: str) -> None:
    draw(tmp_path / "data" / "a.png", 1)
    write(tmp_path / "data" / f"notes{suffix}", "nothing\n")
    with pytest.raises(UserError, match=r"Looked for: COCO JSON .*; YOLO .*Found: ") as raised:
        open_data(tmp_path / "data")
    assert message in str(raised.value)


def test_annotations_without_images_are_answered_with_the_folder_of_both(tmp_path: Path) -> None:
    voc(tmp_path)
    with pytest.raises(UserError, match=r"annotations \(Pascal VOC\), and no images. Give the"):
        open_data(tmp_path / "Annotations")
    with pytest.raises(UserError, match=r"no annotations\. Give the folder that holds both"):
        open_data(tmp_path / "JPEGImages")


def test_a_single_file_is_answered_with_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "data.yaml", "names: [cat]")
    with pytest.raises(UserError, match=f"is a file. Give the folder .* such as {tmp_path}"):
        open_data(tmp_path / "data.yaml")
