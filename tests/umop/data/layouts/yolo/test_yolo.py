"""What is read from YOLO's files, and what is named as wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write, yolo
from tests.umop.data.samples import HEIGHT, draw
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

_TENFOLD = (f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9))
_BOMB = "\n".join(("a0: &a0 [cat]", *_TENFOLD, "names: *a8"))
"""A hundred million names in ten lines."""


def test_yolo_images_without_a_label_file_are_background(tmp_path: Path) -> None:
    yolo(tmp_path / "data")
    draw(tmp_path / "data" / "images" / "train" / "empty.png", 9)
    rules = [each.rule for each in check(open_data(tmp_path / "data")).findings]
    assert rules.count("image-without-boxes") == 1


@pytest.mark.parametrize(
    ("line", "rule", "text"),
    [
        ("2 0.5 0.5 0.1 0.1", "category-unknown", "line 1: class 2, where the classes are 0 to 1"),
        ("cat 0.5 0.5 0.1 0.1", "category-unknown", "line 1: class cat"),
        ("0 0.5 0.5 0.1", "annotation-numbers", "line 1 is not a class with 4 numbers"),
        ("0 .5 .5 .2 .1 1.57", "annotation-numbers", "line 1 has no confidence from 0 to 1"),
        ("0 .5 .5 .2 .1 -0.4", "annotation-numbers", "line 1 has no confidence from 0 to 1"),
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
        ("names: {", "annotations-unreadable", "data.yaml: not plain YAML: line 2"),
        ("names: {0: cat, 1: dog, 1: cow}", "annotations-unreadable", "line 1: 1 is there twice"),
        ("names: {1: cat, '1': dog}", "annotations-unreadable", "names: 1 is there twice"),
        (f"names: {'[' * 200_000}", "annotations-unreadable", "it is nested without end"),
        ("names: !!python/name:os.system", "annotations-unreadable", "not plain YAML"),
        ("names: {0: cat, 5: dog}", "category-unknown", "class 1, where the classes are 0, 5"),
        ("names: {0: cat, dog: 1}", "annotations-unreadable", "'dog' is not the number of a class"),
        ("names: [cat, cat]", "category-twice", "classes 0 and 1 are both 'cat'"),
        ("names: {.inf: cat, 1: dog}", "annotations-unreadable", "inf is not the number of a"),
        ("names: [cat, [dog]]", "annotations-unreadable", "YAML reads that of class 1 as ['dog']"),
        (f"names: {'[' * 600}", "annotations-unreadable", "it is nested without end"),
        ("names: &a [cat, *a]", "annotations-unreadable", "it is nested without end"),
        (_BOMB, "annotations-unreadable", "it holds more than 1000000 values"),
        (f"train: {'x' * 300}\nnames: [cat, dog]", "annotations-unreadable", "xxx is not there"),
    ],
)
def test_a_bad_yaml_file_of_yolos_is_named(
    tmp_path: Path, names: str, rule: str, text: str
) -> None:
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(names)
    texts = [each.text for each in check(open_data(tmp_path)).of("error") if each.rule == rule]
    assert any(text in each for each in texts), texts


def test_a_number_of_classes_that_is_not_that_of_the_names_is_said(tmp_path: Path) -> None:
    yolo(tmp_path)
    with (tmp_path / "data.yaml").open("a") as file:
        file.write("nc: 3\n")
    said = {each.rule: each.text for each in check(open_data(tmp_path)).of("warning")}
    assert said["category-count"] == "data.yaml: nc is 3, and names has 2 classes: correct nc"


def test_a_test_split_that_yolos_file_names_may_be_missing(tmp_path: Path) -> None:
    yolo(tmp_path)
    with (tmp_path / "data.yaml").open("a") as file:
        file.write("test: ../test/images\n")
    data = open_data(tmp_path)
    assert data.issues == ()
    assert set(data.splits()) == {"train", "val"}


def test_a_folder_of_one_split_is_not_taken_for_another(tmp_path: Path) -> None:
    yolo(tmp_path)
    names = "train: ../train/images\nval: ../valid/images\nnames: [cat, dog]\n"
    (tmp_path / "data.yaml").write_text(names)
    said = [each.text for each in open_data(tmp_path).issues]
    assert [text.partition(": ")[2] for text in said] == [
        "../train/images is not there",
        "../valid/images is not there. Without the line, a fifth of train is taken",
        "2 images with labels, such as images/train/first one.jpg",
    ]


def test_yolos_numbers_of_classes_may_have_gaps(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text("names: {1: dog, 0: cat, 7: cow}")
    data = open_data(tmp_path)
    assert data.classes == ("cat", "dog", "cow")
    assert data.issues == ()


def test_a_label_file_of_yolos_without_an_image_is_named(tmp_path: Path) -> None:
    yolo(tmp_path)
    [label] = tmp_path.rglob("second.txt")
    label.with_name("gone.txt").write_text(label.read_text())
    [error] = check(open_data(tmp_path)).of("error")
    assert error.rule == "box-of-no-image"
    assert error.text.endswith("gone.txt: there is no image of this name")
