"""The same two pictures and boxes, read from every layout."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
import pytest
from PIL import Image

from tests.umop.conftest import Umop
from tests.umop.data.samples import HEIGHT, WIDTH, coco, draw
from umop.data.check import check
from umop.data.dataset import DataSet
from umop.data.layouts import open_data
from umop.data.split import joined, with_splits
from umop.errors import UserError

CAT, DOG = (8.0, 6.0, 24.0, 30.0), (32.0, 12.0, 64.0, 36.0)
TRAIN, VAL = "first one.jpg", "second.JPG"
"""The first has a cat and a dog, the second a dog."""
BOM = "\ufeff"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="")


def voc_xml(*objects: tuple[str, Sequence[float]]) -> str:
    boxes = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, (x1, y1, x2, y2) in objects
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    return f"<annotation>{size}{boxes}</annotation>"


def voc(root: Path) -> None:
    draw(root / "JPEGImages" / TRAIN, 1)
    draw(root / "JPEGImages" / VAL, 2)
    write(root / "Annotations" / "first one.xml", voc_xml(("cat", CAT), ("dog", DOG)))
    write(root / "Annotations" / "second.xml", BOM + voc_xml(("dog", DOG)))
    write(root / "ImageSets" / "Main" / "train.txt", "first one\r\n")
    write(root / "ImageSets" / "Main" / "val.txt", "second  1\r\n")


def voc_in_folders(root: Path) -> None:
    for split, name, objects in (
        ("train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("valid", VAL, [("dog", DOG)]),
    ):
        draw(root / split / name, len(name))
        write((root / split / name).with_suffix(".xml"), voc_xml(*objects))


def yolo_line(label: int, box: Sequence[float]) -> str:
    x1, y1, x2, y2 = box
    centre = (x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT
    return f"{label} {centre[0]} {centre[1]} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}\r\n"


def yolo_files(root: Path, folders: tuple[str, str]) -> None:
    for name, folder, lines in (
        (TRAIN, folders[0], yolo_line(0, CAT) + yolo_line(1, DOG)),
        (VAL, folders[1], BOM + yolo_polygon(1, DOG)),
    ):
        draw(root / "images" / folder / name, len(name))
        write(root / "labels" / folder / f"{Path(name).stem}.txt", lines)


def yolo_polygon(label: int, box: Sequence[float]) -> str:
    x1, y1, x2, y2 = np.array(box) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return f"{label} {x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2}\n"


def yolo(root: Path) -> None:
    yolo_files(root, ("train", "val"))
    write(
        root / "data.yaml",
        BOM + "path: /home/me/data\ntrain: images/train\nval: ../data/images/val\n"
        "names:\n  0: cat\n  1: dog\n",
    )


def yolo_lists(root: Path) -> None:
    yolo_files(root, ("", ""))
    write(root / "train.txt", f"/somewhere/else/images/{TRAIN}\r\n")
    write(root / "val.txt", f"./images/{VAL}\n")
    write(root / "set.yml", "train: train.txt\nval: [val.txt]\nnc: 2\nnames: [cat, dog]\n")


def yolo_without_yaml(root: Path) -> None:
    yolo_files(root, ("train", "val"))
    write(root / "classes.txt", "cat\ndog\n")


def coco_content(names: Sequence[str]) -> str:
    boxes = {TRAIN: [(1, CAT), (2, DOG)], VAL: [(2, DOG)]}
    annotations = [
        {"image_id": i, "category_id": label, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for i, name in enumerate(names)
        for label, (x1, y1, x2, y2) in boxes[Path(name.replace("\\", "/")).name]
    ]
    return json.dumps(
        {
            "images": [
                {"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT}
                for i, name in enumerate(names)
            ],
            "annotations": [{"id": i, **each} for i, each in enumerate(annotations)],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
    )


def coco_like(train: str, train_pictures: str, val: str, val_pictures: str) -> Callable:
    def lay(root: Path) -> None:
        for file, folder, name in ((train, train_pictures, TRAIN), (val, val_pictures, VAL)):
            draw(root / folder / name, len(name))
            write(root / file, BOM + coco_content([name]))

    return lay


def csv_table(root: Path) -> None:
    for split, name, rows in (
        ("train", TRAIN, [(*CAT, "cat"), (*DOG, "dog")]),
        ("val", VAL, [(*DOG, "dog")]),
    ):
        draw(root / "images" / name, len(name))
        lines = [f"/data/{name},{','.join(map(str, row))}" for row in rows]
        write(root / f"{split}.csv", "image,x1,y1,x2,y2,label\r\n" + "\r\n".join(lines))


def open_images(root: Path) -> None:
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf\n"
    for split, name, rows in (
        ("train", TRAIN, [("/m/01yrx", CAT), ("/m/0bt9lr", DOG)]),
        ("validation", VAL, [("/m/0bt9lr", DOG)]),
    ):
        draw(root / split / name, len(name))
        lines = [
            f"{Path(name).stem},x,{label},1,{x1 / WIDTH},{x2 / WIDTH},{y1 / HEIGHT},"
            f"{y2 / HEIGHT},0,0\n"
            for label, (x1, y1, x2, y2) in rows
        ]
        write(root / f"{split}-annotations-bbox.csv", header + "".join(lines))
    write(root / "class-descriptions-boxable.csv", "/m/01yrx,cat\n/m/0bt9lr,dog\n")


def labelme(root: Path) -> None:
    for split, name, shapes in (
        ("train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("val", VAL, [("dog", DOG)]),
    ):
        draw(root / split / name, len(name))
        content = {
            "shapes": [
                {"label": label, "shape_type": "rectangle", "points": [[x2, y1], [x1, y2]]}
                for label, (x1, y1, x2, y2) in shapes
            ],
            "imagePath": f"..\\{name}",
            "imageWidth": WIDTH,
            "imageHeight": HEIGHT,
        }
        write((root / split / name).with_suffix(".json"), json.dumps(content))


def cvat(root: Path) -> None:
    images = ""
    for subset, name, shapes in (
        ("Train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("Validation", VAL, [("dog", DOG)]),
    ):
        draw(root / "images" / name, len(name))
        boxes = "".join(
            f'<box label="{label}" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
            for label, (x1, y1, x2, y2) in shapes
        )
        images += (
            f'<image name="{name}" subset="{subset}" width="{WIDTH}" height="{HEIGHT}">'
            f"{boxes}</image>"
        )
    write(root / "annotations.xml", f"<annotations><version>1.1</version>{images}</annotations>")


LAYOUTS = {
    "Pascal VOC": voc,
    "Pascal VOC in folders": voc_in_folders,
    "YOLO with data.yaml": yolo,
    "YOLO with lists": yolo_lists,
    "YOLO without YAML": yolo_without_yaml,
    "COCO": coco_like(
        "annotations/instances_train2017.json",
        "train2017",
        "annotations/instances_val2017.json",
        "val2017",
    ),
    "plain COCO": coco_like("train.json", "train", "val.json", "val"),
    "Roboflow's COCO": coco_like(
        "train/_annotations.coco.json", "train", "valid/_annotations.coco.json", "valid"
    ),
    "CSV": csv_table,
    "Open Images": open_images,
    "LabelMe": labelme,
    "CVAT": cvat,
}


def same_data(data: DataSet) -> None:
    """Checks that the two pictures and their boxes were read."""
    report = check(data)
    assert report.of("error") == (), report.findings
    cleaned = report.cleaned
    assert cleaned.classes == ("cat", "dog")
    by_name = {picture.path.name: i for i, picture in enumerate(cleaned.pictures)}
    assert by_name.keys() == {TRAIN, VAL}
    for name, split, boxes in ((TRAIN, "train", [CAT, DOG]), (VAL, "val", [DOG])):
        assert cleaned.pictures[by_name[name]].split == split
        assert cleaned.pictures[by_name[name]].width == WIDTH
        rows = cleaned.boxes.picture == by_name[name]
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


def test_one_folder_with_one_coco_file_is_split(tmp_path: Path) -> None:
    """A fifth is for validation, with each class in both parts, and the same at every start."""
    root = coco(tmp_path / "data", {"train": 40})
    (root / "train.json").rename(root / "train" / "labels.json")
    report = check(open_data(root))
    data = with_splits(report.cleaned, report.records)
    again = with_splits(report.cleaned, report.records)
    assert data.pictures == again.pictures
    assert int(data.in_split("val").sum()) == 8
    for split in ("train", "val"):
        rows = data.in_split(split)[data.boxes.picture]
        assert set(data.boxes.label[rows]) == {0, 1}


def test_coco_is_read_from_a_folder_beside_other_things(tmp_path: Path) -> None:
    coco(tmp_path / "data" / "coco")
    (tmp_path / "data" / "notes.txt").write_text("")
    report = check(open_data(tmp_path / "data"))
    assert report.findings == ()
    (tmp_path / "data" / "coco" / "labels").mkdir()
    for split in ("train", "val"):
        (tmp_path / f"data/coco/{split}.json").rename(tmp_path / f"data/coco/labels/{split}.json")
    assert check(open_data(tmp_path / "data")).findings == ()
    (tmp_path / "data/coco/val/val 1.png").unlink()
    [finding] = check(open_data(tmp_path / "data")).of("error")
    assert finding.text == "coco/labels/val.json lists coco/val/val 1.png"


def test_pictures_of_one_content_stay_together(tmp_path: Path) -> None:
    for i in range(20):
        for twin in ("a", "b"):
            draw(tmp_path / "data" / f"{i}{twin}.png", i)
            write(tmp_path / "data" / f"{i}{twin}.xml", voc_xml(("cat", CAT)))
    report = check(open_data(tmp_path / "data"))
    data = with_splits(report.cleaned, report.records)
    split = {picture.path.stem: picture.split for picture in data.pictures}
    assert {split[f"{i}a"] == split[f"{i}b"] for i in range(20)} == {True}
    assert set(split.values()) == {"train", "val"}


def test_pictures_that_look_alike_stay_together(tmp_path: Path) -> None:
    for i in range(20):
        first = draw(tmp_path / "data" / f"{i}a.png", i)
        with Image.open(first) as picture:
            picture.point(lambda value: min(255, value + 2)).save(first.with_name(f"{i}b.png"))
        for twin in ("a", "b"):
            write(tmp_path / "data" / f"{i}{twin}.xml", voc_xml(("cat", CAT)))
    report = check(open_data(tmp_path / "data"))
    data = with_splits(report.cleaned, report.records)
    split = {picture.path.stem: picture.split for picture in data.pictures}
    assert {split[f"{i}a"] == split[f"{i}b"] for i in range(20)} == {True}
    assert int(data.in_split("val").sum()) == 8


def test_a_video_that_looks_alike_is_split_all_the_same() -> None:
    """Its frames are joined to a tenth of the pictures at most."""
    bits = {i: np.zeros(4, np.uint64) for i in range(20)}
    assert [len(group) for group in joined([[i] for i in range(20)], bits, 2)] == [2] * 10


def test_yolo_pictures_without_a_label_file_are_background(tmp_path: Path) -> None:
    yolo(tmp_path / "data")
    draw(tmp_path / "data" / "images" / "train" / "empty.png", 9)
    rules = [each.rule for each in check(open_data(tmp_path / "data")).findings]
    assert rules.count("picture-without-boxes") == 1


@pytest.mark.parametrize(
    ("line", "rule", "text"),
    [
        ("2 0.5 0.5 0.1 0.1", "category-unknown", "line 1: class 2, where the classes are 0 to 1"),
        ("cat 0.5 0.5 0.1 0.1", "category-unknown", "line 1: class cat"),
        ("0 0.5 0.5 0.1", "annotation-numbers", "line 1 is no class with 4 numbers"),
        ("0 24 20 10 12", "convention-pixels", "are pixels, not 0 to 1"),
        ("0 1.4 0.5 0.2 0.2", "box-outside", "line 1"),
    ],
)
def test_a_bad_line_of_yolos_is_named(tmp_path: Path, line: str, rule: str, text: str) -> None:
    yolo(tmp_path / "data")
    write(tmp_path / "data" / "labels" / "train" / "first one.txt", line)
    findings = check(open_data(tmp_path / "data")).findings
    assert any(each.rule == rule and text in each.text for each in findings), findings


def test_yolos_corners_for_sizes_are_guessed(tmp_path: Path) -> None:
    yolo(tmp_path)
    for path in tmp_path.rglob("labels/**/*.txt"):
        path.write_text(f"1 {' '.join(str(side / 64) for side in (4, 6, 24, 30))}\n" * 2)
    report = check(open_data(tmp_path))
    assert {each.rule for each in report.of("error")} == {"convention-corners"}
    expected = np.array([4, 6 * HEIGHT / 64, 24, 30 * HEIGHT / 64])
    np.testing.assert_allclose(report.cleaned.boxes.corners[0], expected)


@pytest.mark.parametrize(
    ("names", "rule", "text"),
    [
        ("names: {", "annotations-unreadable", "data.yaml: not plain YAML: line 1"),
        ("names: !!python/name:os.system", "annotations-unreadable", "not plain YAML"),
        ("names: {0: cat, 5: dog}", "category-unknown", "class 1, where the classes are 0, 5"),
        ("names: {0: cat, dog: 1}", "annotations-unreadable", "'dog' is no number of a class"),
        ("names: [cat, cat]", "category-twice", "classes 0 and 1 are both 'cat'"),
    ],
)
def test_a_bad_yaml_file_of_yolos_is_named(
    tmp_path: Path, names: str, rule: str, text: str
) -> None:
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(names)
    texts = [each.text for each in check(open_data(tmp_path)).of("error") if each.rule == rule]
    assert any(text in each for each in texts), texts


def test_a_test_split_that_yolos_file_names_may_be_missing(tmp_path: Path) -> None:
    yolo(tmp_path)
    with (tmp_path / "data.yaml").open("a") as file:
        file.write("test: ../test/images\n")
    data = open_data(tmp_path)
    assert data.problems == ()
    assert set(data.splits()) == {"train", "val"}


def test_a_folder_of_one_split_is_not_taken_for_another(tmp_path: Path) -> None:
    yolo(tmp_path)
    names = "train: ../train/images\nval: ../valid/images\nnames: [cat, dog]\n"
    (tmp_path / "data.yaml").write_text(names)
    missing = [each.text for each in open_data(tmp_path).problems]
    assert [text.partition(": ")[2] for text in missing] == [
        "../train/images is not there",
        "../valid/images is not there",
    ]


def test_yolos_numbers_of_classes_may_have_gaps(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text("names: {1: dog, 0: cat, 7: cow}")
    data = open_data(tmp_path)
    assert data.classes == ("cat", "dog", "cow")
    assert data.problems == ()


def test_a_label_file_of_yolos_without_a_picture_is_named(tmp_path: Path) -> None:
    yolo(tmp_path)
    [label] = tmp_path.rglob("second.txt")
    label.with_name("gone.txt").write_text(label.read_text())
    [error] = check(open_data(tmp_path)).of("error")
    assert error.rule == "box-of-no-picture"
    assert error.text.endswith("gone.txt: there is no picture of this name")


def test_a_quote_left_open_in_a_table_takes_no_other_lines(tmp_path: Path) -> None:
    csv_table(tmp_path)
    for path in tmp_path.rglob("*.csv"):
        path.write_text(path.read_text().replace("cat", '"cat'))
    same_data(open_data(tmp_path))


def test_a_category_may_be_named_by_a_number(tmp_path: Path) -> None:
    coco(tmp_path, classes=("7",))
    for path in tmp_path.glob("*.json"):
        path.write_text(path.read_text().replace('"name": "7"', '"name": 7'))
    assert open_data(tmp_path).classes == ("7",)


def test_half_a_surrogate_pair_in_a_class_is_replaced(tmp_path: Path) -> None:
    coco(tmp_path, classes=("c\ud800t",))
    assert open_data(tmp_path).classes == ("c?t",)


def test_json_in_utf_16_is_read(tmp_path: Path) -> None:
    coco(tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_text(path.read_text(), encoding="utf-16")
    assert open_data(tmp_path).layout == "COCO JSON"


def test_boxes_of_crowds_alone_are_nothing_to_learn_from(tmp_path: Path) -> None:
    coco(tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_text(path.read_text().replace('"bbox"', '"iscrowd": 1, "bbox"'))
    assert {each.rule for each in check(open_data(tmp_path)).of("error")} == {"split-empty"}


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


def zipped(path: Path, name: str, content: bytes, mode: int = 0o644) -> Path:
    member = ZipInfo(name)
    member.external_attr = mode << 16
    with ZipFile(path, "w", compression=8) as archive:
        archive.writestr(member, content, compress_type=8)
    return path


@pytest.mark.parametrize(
    ("name", "content", "mode", "message"),
    [
        ("../a.png", b"x", 0o644, "leads out of it"),
        ("/a.png", b"x", 0o644, "leads out of it"),
        ("a.png", b"/etc", stat.S_IFLNK | 0o777, "leads out of it"),
        ("a.png", bytes(300 * 2**20), 0o644, "far more than it holds"),
    ],
)
def test_a_hostile_zip_is_refused(
    tmp_path: Path, name: str, content: bytes, mode: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        open_data(zipped(tmp_path / "data.zip", name, content, mode))
    assert list((tmp_path / "cache").rglob("*.png")) == []


@pytest.mark.parametrize("name", ["data.zip", "data.download"])
def test_a_zip_that_is_cut_off(tmp_path: Path, name: str) -> None:
    whole = zipped(tmp_path / "whole.zip", "a.png", bytes(1000)).read_bytes()
    (tmp_path / name).write_bytes(whole[:-30])
    with pytest.raises(UserError, match="is a damaged zip: its end is missing"):
        open_data(tmp_path / name)


def test_a_single_file_is_answered_with_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "data.yaml", "names: [cat]")
    with pytest.raises(UserError, match=f"is a file. Give the folder .* such as {tmp_path}"):
        open_data(tmp_path / "data.yaml")
