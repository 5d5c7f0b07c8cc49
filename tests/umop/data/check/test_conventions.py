"""A convention is that of a whole annotation file, not of each image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import coco_json, drawn, texts
from tests.umop.data.samples import HEIGHT, WIDTH
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")
BOXES = [[10, 8, 12, 18], [40, 24, 24, 24], [0, 0, 64, 48], [4, 20, 30, 28], [50, 2, 15, 30]]
"""Corner and size in pixels; the last reaches over the edge of its image by one."""


def parts_of(box: Sequence[float], centred: bool) -> list[float]:
    x, y, width, height = box
    start = (x + width / 2, y + height / 2) if centred else (x, y)
    parts = np.array([*start, width, height]) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    return [float(part) for part in parts]


def of_parts(root: Path, kind: str, centred: bool) -> Report:
    """Checks a file whose boxes are parts of the sides, five in each of six images."""
    names = drawn(root / "images", [f"{number}.jpg" for number in range(6)])
    boxes = [parts_of(box, centred) for box in BOXES]
    if kind == "csv":
        rows = [f"images/{n},{','.join(map(str, box))},cat" for n in names for box in boxes]
        write(root / "labels.csv", "\n".join(["image,x,y,width,height,label", *rows]))
    else:
        content = coco_json([f"images/{name}" for name in names])
        content["annotations"] = [
            {"id": 5 * i + k, "image_id": i, "category_id": 1, "bbox": box}
            for i in range(1, 7)
            for k, box in enumerate(boxes)
        ]
        write(root / "annotations.json", json.dumps(content))
    return check(open_data(root))


@pytest.mark.parametrize("kind", ["csv", "coco"])
@pytest.mark.parametrize("centred", [False, True])
def test_parts_of_the_sides_are_known_by_the_whole_file(
    tmp_path: Path, kind: str, centred: bool
) -> None:
    """Where a box is drawn too large, or starts with its centre, corners are beyond 1."""
    report = of_parts(tmp_path, kind, centred)
    found = texts(report, "convention-normalised")
    assert len(found) == 30
    assert found[1].endswith(" are 0 to 1, not pixels")
    assert texts(report, "box-tiny") == []
    meant = np.array(BOXES, np.float64)
    meant[:, 2:] += meant[:, :2]
    np.testing.assert_allclose(report.cleaned.boxes.corners[:5], meant)


def test_one_large_box_of_a_file_makes_no_pixels_of_its_parts(tmp_path: Path) -> None:
    """Also of those in its image, and of those that reach beyond 1."""
    names = drawn(tmp_path, [f"{number}.jpg" for number in range(6)])
    rows = [f"{name},{box},cat" for name in names for box in (".1,.1,.5,.6", ".2,.2,1.05,.7")]
    rows.append(f"{names[0]},10,10,30,40,cat")
    write(tmp_path / "labels.csv", "\n".join(["image,x1,y1,x2,y2,label", *rows]))
    report = check(open_data(tmp_path))
    assert len(texts(report, "convention-normalised")) == 12
    assert texts(report, "box-tiny") == []
    assert [10, 10, 30, 40] in report.cleaned.boxes.corners.tolist()


def test_two_corners_near_the_middle_are_no_centre_and_size(tmp_path: Path) -> None:
    """Read as centre and size they would be within their images as well."""
    names = drawn(tmp_path, [f"{number}.jpg" for number in range(6)])
    content = coco_json(names)
    for each in content["annotations"]:
        each["bbox"] = [30, 22, 40 + each["id"] % 3, 30]
    write(tmp_path / "annotations.json", json.dumps(content))
    report = check(open_data(tmp_path))
    assert texts(report, "convention-centre") == []
    assert len(texts(report, "convention-corners")) == 12
    assert report.cleaned.boxes.corners[0].tolist() == [30, 22, 41, 30]


def test_small_boxes_in_whole_pixels_are_no_parts(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg", "b.jpg"])
    rows = "a.jpg,0,0,2,2,cat\nb.jpg,1,1,2,2,cat\n"
    write(tmp_path / "labels.csv", f"image,x1,y1,x2,y2,label\n{rows}")
    report = check(open_data(tmp_path))
    assert texts(report, "convention-normalised") == []
