"""Where no annotation has a size, the boxes say whether they were drawn before EXIF turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import ORIENTATION, pair, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")
Box = tuple[float, float, float, float]
STORED, UPRIGHT, EITHER = (50, 10, 60, 20), (10, 50, 20, 60), (10, 20, 20, 40)
"""Boxes that fit 64×48 as it is stored, 48×64 as it is shown, or both."""


def sideways(root: Path, boxes: Sequence[Box | None], orientation: int = 6) -> Report:
    """Checks a CSV without sizes, of a box, or none, in each image, all of which EXIF turns."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    rows = ["image,x1,y1,x2,y2,label"]
    for number, box in enumerate(boxes):
        pair(root, f"images/{number}.jpg", None, exif=exif)
        sides = ",".join(map(str, box)) if box else ",,,"
        rows.append(f"images/{number}.jpg,{sides},cat")
    write(root / "labels.csv", "\n".join(rows))
    return check(open_data(root))


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(5, (10, 50, 20, 60)), (6, (28, 50, 38, 60)), (7, (28, 4, 38, 14)), (8, (10, 4, 20, 14))],
)
def test_boxes_that_fit_as_stored_only_are_turned(
    tmp_path: Path, orientation: int, turned: Box
) -> None:
    """And so are those of the same file that would fit both ways."""
    report = sideways(tmp_path, [STORED, EITHER, None], orientation)
    assert texts(report, "exif-unrotated") == [
        f"images/{number}.jpg: EXIF turns it to 48×64 (orientation {orientation}), the annotation "
        "is for 64×48"
        for number in (0, 1)
    ]
    assert texts(report, "exif-unclear") == []
    np.testing.assert_allclose(report.cleaned.boxes.corners[0], turned)


def test_photographs_labelled_upright_are_in_order(tmp_path: Path) -> None:
    report = sideways(tmp_path, [UPRIGHT, EITHER])
    assert [each.rule for each in report.findings if each.rule.startswith("exif")] == []
    assert report.cleaned.boxes.corners.tolist() == [list(UPRIGHT), list(EITHER)]


def test_a_slip_among_upright_photographs_is_no_error(tmp_path: Path) -> None:
    report = sideways(tmp_path, [*[UPRIGHT] * 11, STORED])
    assert texts(report, "exif-unrotated") == []
    assert texts(report, "exif-unclear") == ["images/11.jpg: EXIF turns it (orientation 6)"]


def test_boxes_that_fit_both_ways_are_said(tmp_path: Path) -> None:
    """Also where some of the same file fit one way, and others the other."""
    assert len(texts(sideways(tmp_path / "a", [EITHER, EITHER]), "exif-unclear")) == 2
    mixed = sideways(tmp_path / "b", [STORED, UPRIGHT, EITHER])
    assert [text[:12] for text in texts(mixed, "exif-unrotated")] == ["images/0.jpg"]
    assert [text[:12] for text in texts(mixed, "exif-unclear")] == ["images/2.jpg"]


def test_parts_of_the_sides_fit_both_ways(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for number in range(3):
        pair(tmp_path, f"images/{number}.jpg", f"labels/{number}.txt", exif=exif)
    write(tmp_path / "classes.txt", "cat\ndog\n")
    report = check(open_data(tmp_path))
    assert {(each.rule, each.severity) for each in report.findings} >= {("exif-unclear", "warning")}
    assert len(texts(report, "exif-unclear")) == 3
    assert report.of("error") == ()
