"""A confidence before the box is not taken for a side of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import texts, yolo
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_confidence_before_the_box_is_refused(tmp_path: Path) -> None:
    yolo(tmp_path, 4, lines="0 0.9 0.25 0.4 0.2 0.4\n1 0.8 0.7 0.5 0.3 0.5\n")
    report = check(open_data(tmp_path))
    found = texts(report, "annotation-numbers")
    assert len(found) == 8
    assert found[0].startswith("labels/img_00.txt: line 1 has a confidence before its box")
    assert len(report.data.boxes) == 0


def test_a_confidence_behind_the_box_is_left_out(tmp_path: Path) -> None:
    yolo(tmp_path, 4, lines="0 0.25 0.4 0.2 0.4 0.9\n1 0.7 0.5 0.3 0.5 0.2\n")
    write(tmp_path / "labels/img_00.txt", "0 0.5 0.5 0.5 0.5 0.5\n")
    report = check(open_data(tmp_path))
    assert (len(report.data.boxes), report.of("error")) == (7, ())


def test_a_number_behind_the_box_is_said(tmp_path: Path) -> None:
    """It may be a confidence, or an angle below 1."""
    yolo(tmp_path, 4, lines="0 0.25 0.4 0.2 0.4 0.9\n1 0.7 0.5 0.3 0.5 0.2\n")
    assert texts(check(open_data(tmp_path)), "confidences-unused") == [
        ".: 8 lines: where it is an angle, write the box's four corners"
    ]


@pytest.mark.parametrize(
    ("number", "boxes", "said"),
    [
        ("1.0000001", 32, []),
        (
            "95",
            31,
            [
                "labels/img_00.txt: line 1 has no confidence from 0 to 1 behind its box: leave it "
                "out: 0 0.5 0.5 0.5 0.5 95"
            ],
        ),
    ],
)
def test_one_odd_confidence_leaves_the_others(
    tmp_path: Path, number: str, boxes: int, said: list[str]
) -> None:
    yolo(tmp_path, 16, lines="0 0.25 0.4 0.2 0.4 0.9\n1 0.7 0.5 0.3 0.5 0.2\n")
    write(
        tmp_path / "labels/img_00.txt",
        f"0 0.5 0.5 0.5 0.5 {number}\n1 0.7 0.5 0.3 0.5 0.2\n",
    )
    report = check(open_data(tmp_path))
    assert (len(report.data.boxes), texts(report, "annotation-numbers")) == (boxes, said)


def test_where_more_numbers_are_angles_all_are(tmp_path: Path) -> None:
    yolo(tmp_path, 4, lines="0 0.25 0.4 0.2 0.4 0.9\n1 0.7 0.5 0.3 0.5\n")
    write(tmp_path / "labels/img_00.txt", "0 0.5 0.5 0.5 0.5 1.2\n")
    report = check(open_data(tmp_path))
    found = texts(report, "annotation-numbers")
    assert (len(found), len(report.data.boxes)) == (4, 3)
    assert found[1].startswith(
        "labels/img_01.txt: line 1 has no confidence from 0 to 1 behind its box; an angle, a per"
    )
