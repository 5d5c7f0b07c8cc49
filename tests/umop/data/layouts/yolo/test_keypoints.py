"""Keypoints of YOLO are not taken for corners of polygons, nor these for keypoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import texts, yolo
from tests.umop.data.samples import HEIGHT, WIDTH
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")
POSE = ("0 0.3 0.4 0.2 0.3 0.25 0.3 0.35 0.5\n", "0 0.6 0.5 0.3 0.5 0.5 0.3 0.7 0.7\n")


def test_keypoints_without_kpt_shape_are_behind_boxes(tmp_path: Path) -> None:
    yolo(tmp_path, lines="".join(POSE))
    report = check(open_data(tmp_path))
    [text] = texts(report, "keypoints-unnamed")
    assert "kpt_shape: [2, 2]" in text
    sides = np.tile([WIDTH, HEIGHT], 2)
    np.testing.assert_allclose(report.cleaned.boxes.corners[0] / sides, [0.2, 0.25, 0.4, 0.55])


def test_keypoints_of_some_boxes_are_seen(tmp_path: Path) -> None:
    yolo(tmp_path, lines=f"{POSE[0]}{POSE[1]}0 0.5 0.5 0.1 0.1\n")
    report = check(open_data(tmp_path))
    assert len(texts(report, "keypoints-unnamed")) == 1
    assert report.of("error") == ()


def test_a_wrong_kpt_shape_is_an_error(tmp_path: Path) -> None:
    yolo(tmp_path, lines="".join(POSE))
    write(tmp_path / "data.yaml", "train: images\nkpt_shape: [17, 3]\nnames: [cat, dog]\n")
    found = texts(check(open_data(tmp_path)), "annotation-numbers")
    assert len(found) == 20
    assert "is not a class with 4 numbers or 55 as kpt_shape says" in found[0]


@pytest.mark.parametrize(
    "line",
    [
        "0 0.3 0.3 0.6 0.3 0.6 0.7 0.3 0.7",
        "0 0.45 0.3 0.6 0.45 0.45 0.6 0.3 0.45",
        "0 0.5 0.5 0.6 0.52 0.62 0.7 0.48 0.66",
    ],
)
def test_polygons_of_four_corners_are_no_keypoints(tmp_path: Path, line: str) -> None:
    yolo(tmp_path, lines=f"{line}\n")
    data = open_data(tmp_path)
    numbers = np.array(line.split()[1:], float)
    corners = [numbers[::2].min(), numbers[1::2].min(), numbers[::2].max(), numbers[1::2].max()]
    np.testing.assert_allclose(data.boxes.corners[0], corners)
