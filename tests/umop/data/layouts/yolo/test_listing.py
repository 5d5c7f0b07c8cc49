"""Which images of a YOLO data set without a description are background."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.reported import counts, drawn, pair, texts, yolo
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize("copies", ["visualized/img_{:02}.jpg", "masks/img_{:02}.png"])
def test_copies_of_labelled_images_are_no_background(tmp_path: Path, copies: str) -> None:
    yolo(tmp_path, 4)
    drawn(tmp_path, [copies.format(number) for number in range(4)])
    report = check(open_data(tmp_path))
    assert counts(report.data) == {None: 4}
    assert len(texts(report, "image-unlisted")) == 4


def test_images_of_other_names_or_beside_labels_are_background(tmp_path: Path) -> None:
    yolo(tmp_path, 2)
    drawn(tmp_path, ["empty/img_00.jpg", "empty/street.jpg", "more/img_00.jpg"])
    pair(tmp_path, "more/other.jpg", "more/other.txt")
    assert counts(open_data(tmp_path)) == {None: 6}


@pytest.mark.parametrize("folder", ["background", "images/negatives", "empty"])
def test_background_may_have_the_names_of_labelled_images(tmp_path: Path, folder: str) -> None:
    yolo(tmp_path, 3)
    drawn(tmp_path, [f"{folder}/img_{number:02}.jpg" for number in range(2)])
    assert counts(open_data(tmp_path)) == {None: 5}


def test_folders_whose_names_say_that_they_hold_other_images_are_background(tmp_path: Path) -> None:
    for name in ("1", "2"):
        pair(tmp_path, f"dogs/{name}.jpg", f"dogs/{name}.txt")
        pair(tmp_path, f"streets/{name}.jpg", None)
    assert counts(open_data(tmp_path)) == {None: 4}


def test_a_split_without_labels_is_not_hidden(tmp_path: Path) -> None:
    """Its labels are missing; the names of its images are those of another split."""
    for name in ("0", "1"):
        pair(tmp_path, f"images/train/{name}.jpg", f"labels/train/{name}.txt")
        pair(tmp_path, f"images/val/{name}.jpg", None)
    report = check(open_data(tmp_path))
    assert counts(report.data) == {"train": 2, "val": 2}
    assert texts(report, "split-empty") == ["val has no box"]
