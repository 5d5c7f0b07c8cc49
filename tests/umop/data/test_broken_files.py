"""Files that break the library that reads them: named in a line, or read all the same."""

from __future__ import annotations

import json
import os
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.umop.data.layouts.writers import LAYOUTS, csv_table, cvat, labelme, voc, yolo
from tests.umop.data.samples import HEIGHT, WIDTH
from tests.zips import zip_with_a_name_that_is_no_text
from umop.data.check import check
from umop.data.recognition import open_data
from umop.system.errors import UserError

pytestmark = pytest.mark.usefixtures("own_cache")


def rewritten(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8-sig").replace(old, new))


@pytest.mark.parametrize(
    ("layout", "name"),
    [("Pascal VOC", "Annotations/second.xml"), ("CVAT", "annotations.xml")],
)
@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gb2312", "multi-byte encodings are not supported"), ("latin-77", "unknown encoding")],
)
def test_xml_in_an_encoding_that_is_not_known(
    tmp_path: Path, layout: str, name: str, encoding: str, text: str
) -> None:
    LAYOUTS[layout](tmp_path)
    rewritten(tmp_path / name, "<anno", f'<?xml version="1.0" encoding="{encoding}"?><anno')
    [issue] = open_data(tmp_path).issues
    assert issue.rule == "annotations-unreadable"
    assert issue.text.startswith(f"{name}: {text}")
    assert issue.text.endswith("save it as UTF-8")


def test_images_that_labelimg_calls_verified(tmp_path: Path) -> None:
    voc(tmp_path)
    for path in tmp_path.rglob("*.xml"):
        rewritten(path, "<annotation>", '<annotation verified="yes">')
    data = open_data(tmp_path)
    assert (data.layout, len(data.boxes)) == ("Pascal VOC", 3)


def test_a_cvat_image_without_a_size(tmp_path: Path) -> None:
    cvat(tmp_path)
    rewritten(tmp_path / "annotations.xml", f'width="{WIDTH}"', 'width=""')
    data = open_data(tmp_path)
    assert [(each.width, each.height) for each in data.images] == [(None, HEIGHT)] * 2
    assert len(data.boxes) == 3


@pytest.mark.parametrize("points", [[[1], [2]], [["a", 1], [2, 3]], [{"x": 1}, {"x": 2}], 5])
def test_a_labelme_shape_whose_points_are_no_pairs_is_left_out_alone(
    tmp_path: Path, points: object
) -> None:
    labelme(tmp_path)
    path = tmp_path / "train" / "first one.json"
    content = json.loads(path.read_text())
    content["shapes"][0]["points"] = points
    path.write_text(json.dumps(content))
    data = open_data(tmp_path)
    assert [each.rule for each in data.issues] == ["annotation-numbers"]
    assert len(data.boxes) == 2


@pytest.mark.parametrize(
    ("width", "read"),
    [(float("inf"), None), (float("nan"), None), (10**400, None), ("wide", None), ("64", 64)],
)
def test_widths_in_cocos_file(tmp_path: Path, width: object, read: int | None) -> None:
    content = plain_coco(tmp_path)
    content["images"][0]["width"] = width
    (tmp_path / "train.json").write_text(json.dumps(content))
    assert open_data(tmp_path).images[0].width == read


def test_a_number_that_no_float_holds(tmp_path: Path) -> None:
    content = plain_coco(tmp_path)
    content["annotations"][0]["bbox"][0] = 10**400
    (tmp_path / "train.json").write_text(json.dumps(content))
    assert [each.rule for each in open_data(tmp_path).issues] == ["annotation-numbers"]


def plain_coco(root: Path) -> Any:
    """Writes COCO's layout; returns the content of its ``train.json``."""
    LAYOUTS["plain COCO"](root)
    return json.loads((root / "train.json").read_text(encoding="utf-8-sig"))


def test_an_image_whose_name_is_longer_than_any_file_s(tmp_path: Path) -> None:
    content = plain_coco(tmp_path)
    content["images"][0]["file_name"] = f"/{'x' * 5000}.jpg"
    (tmp_path / "train.json").write_text(json.dumps(content))
    findings = check(open_data(tmp_path)).findings
    assert "image-missing" in {each.rule for each in findings}


def test_json_that_is_nested_without_end(tmp_path: Path) -> None:
    plain_coco(tmp_path)
    (tmp_path / "train.json").write_text('{"images":' + "[" * 100_000)
    [issue] = open_data(tmp_path).issues
    assert issue.text == "train.json: not COCO JSON: it is nested without end"


def test_a_table_of_masks_beside_the_boxes(tmp_path: Path) -> None:
    csv_table(tmp_path)
    (tmp_path / "masks.csv").write_text(f"id,mask\n1,{'1 ' * 100_000}\n")
    rewritten(tmp_path / "train.csv", "label", "label,mask")
    rewritten(tmp_path / "train.csv", "cat", f"cat,{'1 ' * 100_000}")
    data = open_data(tmp_path)
    assert data.issues == ()
    assert data.classes == ("cat", "dog")
    assert len(data.boxes) == 3


@pytest.mark.parametrize(("old", "new"), [("cat", "cat, black"), ("cat", "5,cat")])
def test_a_row_with_more_values_than_columns(tmp_path: Path, old: str, new: str) -> None:
    csv_table(tmp_path)
    rewritten(tmp_path / "train.csv", old, new)
    issues = open_data(tmp_path).issues
    assert {each.rule for each in issues} == {"annotations-unreadable"}
    assert "more values than the first line has names" in issues[0].text


def test_letters_that_macos_takes_apart(tmp_path: Path) -> None:
    csv_table(tmp_path)
    composed, apart = (unicodedata.normalize(form, "Käfer") for form in ("NFC", "NFD"))
    image = tmp_path / f"{apart}.jpg"
    Image.new("RGB", (WIDTH, HEIGHT)).save(image)
    rows = "".join(f"{composed}.jpg,1,2,30,40,{label}\n" for label in (composed, apart))
    (tmp_path / "train.csv").write_text(f"image,x1,y1,x2,y2,label\n{rows}")
    data = open_data(tmp_path)
    assert image in {each.path for each in data.images}
    assert [label for label in data.classes if label.startswith("K")] == [composed]


def test_utf_16_that_is_cut_off(tmp_path: Path) -> None:
    csv_table(tmp_path)
    path = tmp_path / "val.csv"
    path.write_bytes(path.read_text().encode("utf-16") + b"\n")
    assert len(open_data(tmp_path).boxes) == 3


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("kpt_shape: many", "kpt_shape is 'many', not two numbers such as [17, 3]"),
        ("kpt_shape: 17", "kpt_shape is 17, not two numbers such as [17, 3]"),
        ("names: [cat, no]", "names: YAML reads that of class 1 as False: put it in quotes"),
        ("names: {0: cat, 1: }", "names: YAML reads that of class 1 as None: put it in quotes"),
    ],
)
def test_a_value_of_another_type_in_yolos_yaml(tmp_path: Path, line: str, text: str) -> None:
    yolo(tmp_path)
    path = tmp_path / "data.yaml"
    path.write_text(f"train: images/train\nval: images/val\nnames: [cat, dog]\n{line}\n")
    assert [each.text for each in open_data(tmp_path).issues] == [f"data.yaml: {text}"]


@pytest.mark.parametrize(
    ("layout", "name"),
    [("plain COCO", "more.json"), ("YOLO with data.yaml", "more.txt"), ("CSV", "more.csv")],
)
def test_a_link_that_leads_nowhere(tmp_path: Path, layout: str, name: str) -> None:
    LAYOUTS[layout](tmp_path)
    folder = tmp_path / ("labels" if name.endswith(".txt") else "")
    (folder / name).symlink_to("/data/gone")
    with pytest.raises(UserError, match=rf"{name} cannot be read, a link to /data/gone: No such"):
        open_data(tmp_path)


def test_a_pipe_among_the_annotations(tmp_path: Path) -> None:
    LAYOUTS["plain COCO"](tmp_path)
    os.mkfifo(tmp_path / "more.json")
    with pytest.raises(UserError, match=r"more\.json is a pipe or a device, not a file"):
        open_data(tmp_path)


@pytest.mark.parametrize("name", ["data.rar", "data.7z", "data.tar.gz", "data.TGZ"])
def test_an_archive_of_another_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x1f\x8b")
    with pytest.raises(UserError, match=rf"{name} is not a zip archive\. Unpack it"):
        open_data(tmp_path / name)


@pytest.mark.parametrize("names", [[], ["empty/"]])
def test_a_zip_without_files(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    with pytest.raises(UserError, match=r"data\.zip holds no files"):
        open_data(tmp_path / "data.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_damaged_inside(tmp_path: Path, method: int) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.txt", " ".join(map(str, range(9000))))
    content = bytearray(path.read_bytes())
    content[100:2000] = b"\xff" * 1900
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"data\.zip cannot be unpacked.*: (?!None)"):
        open_data(path)
    assert list((tmp_path / "cache").rglob("a.txt")) == []


def test_a_zip_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    path.write_bytes(zip_with_a_name_that_is_no_text())
    with pytest.raises(UserError, match=r"data\.zip cannot be unpacked: 'utf-8' codec"):
        open_data(path)
