"""Where no annotation has a size, the boxes say whether they were drawn before EXIF turns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import ORIENTATION, coco_json, pair, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")
Box = tuple[float, float, float, float]
STORED, UPRIGHT, EITHER = (50, 10, 60, 20), (10, 50, 20, 60), (10, 20, 20, 40)
"""Boxes that fit 64×48 as it is stored, 48×64 as it is shown, or both."""


def sideways_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def sideways(root: Path, boxes: Sequence[Box | None], orientation: int = 6) -> Report:
    """Checks a CSV without sizes, of a box, or none, in each image, all of which EXIF turns."""
    rows = ["image,x1,y1,x2,y2,label"]
    for number, box in enumerate(boxes):
        pair(root, f"images/{number}.jpg", None, exif=sideways_exif(orientation))
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
    report = sideways(tmp_path, [*[STORED] * 3, EITHER, None], orientation)
    assert texts(report, "exif-unrotated") == [
        f"images/{number}.jpg: EXIF turns it to 48×64 (orientation {orientation}), the annotation "
        "is for 64×48"
        for number in range(4)
    ]
    assert texts(report, "exif-unclear") == []
    np.testing.assert_allclose(report.cleaned.boxes.corners[0], turned)


def test_photographs_labelled_upright_are_in_order(tmp_path: Path) -> None:
    report = sideways(tmp_path, [*[UPRIGHT] * 3, EITHER])
    assert [each.rule for each in report.findings if each.rule.startswith("exif")] == []
    assert report.cleaned.boxes.corners.tolist() == [*[list(UPRIGHT)] * 3, list(EITHER)]


def test_a_slip_among_upright_photographs_is_no_error(tmp_path: Path) -> None:
    report = sideways(tmp_path, [*[UPRIGHT] * 11, STORED])
    assert texts(report, "exif-unrotated") == []
    assert texts(report, "exif-unclear") == ["images/11.jpg: EXIF turns it (orientation 6)"]


@pytest.mark.parametrize("slips", [1, 2])
def test_slips_do_not_turn_photographs_whose_other_boxes_fit_both_ways(
    tmp_path: Path, slips: int
) -> None:
    slip = (20, 20, 50, 40)
    report = sideways(tmp_path, [*[slip] * slips, *[EITHER] * 10])
    assert texts(report, "exif-unrotated") == []
    assert len(texts(report, "exif-unclear")) == 10 + slips
    assert report.cleaned.boxes.corners[slips:].tolist() == [list(EITHER)] * 10


@pytest.mark.parametrize(("upright", "rule"), [(3, "size-swapped"), (1, "exif-unrotated")])
def test_sizes_as_stored_of_boxes_drawn_upright(tmp_path: Path, upright: int, rule: str) -> None:
    """Libraries that do not turn images give the stored size, whatever the boxes are drawn on."""
    boxes = [*[UPRIGHT] * upright, *[EITHER] * 5]
    names = [f"{number}.jpg" for number in range(len(boxes))]
    content = coco_json(names)
    content["annotations"] = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for i, (x1, y1, x2, y2) in enumerate(boxes, start=1)
    ]
    write(tmp_path / "annotations.json", json.dumps(content))
    for name in names:
        pair(tmp_path, name, None, exif=sideways_exif(6))
    report = check(open_data(tmp_path))
    rules = {each.rule for each in report.findings}
    assert rules & {"exif-unrotated", "exif-unclear", "size-swapped"} == {rule}
    assert len(texts(report, rule)) == len(boxes)
    is_kept = report.cleaned.boxes.corners.tolist() == [list(box) for box in boxes]
    assert is_kept == (rule == "size-swapped")


def test_boxes_that_fit_both_ways_are_said(tmp_path: Path) -> None:
    """Also where some of the same file fit one way, and others the other."""
    assert len(texts(sideways(tmp_path / "a", [EITHER, EITHER]), "exif-unclear")) == 2
    mixed = sideways(tmp_path / "b", [*[STORED] * 3, *[UPRIGHT] * 3, EITHER])
    assert [text[:12] for text in texts(mixed, "exif-unrotated")] == [
        f"images/{number}.jpg" for number in range(3)
    ]
    assert [text[:12] for text in texts(mixed, "exif-unclear")] == ["images/6.jpg"]


def test_parts_of_the_sides_fit_both_ways(tmp_path: Path) -> None:
    for number in range(3):
        name = f"images/{number}.jpg"
        pair(tmp_path, name, f"labels/{number}.txt", exif=sideways_exif(6))
    write(tmp_path / "classes.txt", "cat\ndog\n")
    report = check(open_data(tmp_path))
    assert {(each.rule, each.severity) for each in report.findings} >= {("exif-unclear", "warning")}
    assert len(texts(report, "exif-unclear")) == 3
    assert report.of("error") == ()
