"""Folders that may be splits and are taken for none, and images for testing without boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from tests.umop.data.reported import counts, drawn, pair, texts
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def labelled(root: Path, *folders: str) -> None:
    """Draws four images with boxes in each folder."""
    for folder in folders:
        for number in range(4):
            pair(root, f"{folder}/images/{number}.jpg", f"{folder}/labels/{number}.txt")


def test_folders_that_may_be_splits_and_are_not_taken_for_them_are_said(tmp_path: Path) -> None:
    labelled(tmp_path, "train_real", "val_drawn")
    drawn(tmp_path, ["samples/a.jpg"])
    report = check(open_data(tmp_path))
    assert counts(report.data) == {None: 9}
    [text] = texts(report, "list-unused")
    assert text.startswith("train_real, val_drawn: not taken for splits, since folders beside")


@pytest.mark.parametrize("folders", [("test tube", "train set b", "cup"), ("crash_test", "road")])
def test_classes_with_words_of_splits_are_not(tmp_path: Path, folders: tuple[str, ...]) -> None:
    labelled(tmp_path, *folders)
    report = check(open_data(tmp_path))
    assert (report.data.splits(), texts(report, "list-unused")) == ((), [])


def test_images_for_testing_without_boxes_are_not_validated_with(
    umop: Umop, tmp_path: Path
) -> None:
    """As competitions publish them."""
    labelled(tmp_path, "train")
    drawn(tmp_path, ["test/images/a.jpg", "test/images/b.jpg"])
    report = check(open_data(tmp_path))
    assert (counts(report.data), report.data.unlisted) == ({"train": 4}, ())
    assert texts(report, "image-without-boxes") == []
    assert texts(report, "list-unused") == [
        "test: 2 images, such as test/images/a.jpg: not used, since none has a box"
    ]
    code, _, err = umop("data", "check", str(tmp_path))
    assert code == 0, err


@pytest.mark.parametrize(("labels", "count"), [("test", 6), ("val", 2)])
def test_images_for_testing_stay_where_some_have_boxes_or_others_are_validated_with(
    tmp_path: Path, labels: str, count: int
) -> None:
    labelled(tmp_path, "train", labels)
    drawn(tmp_path, ["test/images/a.jpg", "test/images/b.jpg"])
    assert counts(open_data(tmp_path))["test"] == count
