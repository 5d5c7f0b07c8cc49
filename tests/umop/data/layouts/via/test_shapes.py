"""The boxes around the shapes of VIA's regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

CIRCLE = {"name": "circle", "cx": 30, "cy": 20, "r": 10}
ELLIPSE = {"name": "ellipse", "cx": 30, "cy": 20, "rx": 16, "ry": 8}


def checked(root: Path, shape: dict[str, Any]) -> Report:
    drawn(root, ["a.jpg"])
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    write(root / "via.json", json.dumps({"a": {"filename": "a.jpg", "regions": [region]}}))
    return check(open_data(root))


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        (CIRCLE, [20, 10, 40, 30]),
        (ELLIPSE, [14, 12, 46, 28]),
        ({**ELLIPSE, "theta": 0}, [14, 12, 46, 28]),
        ({**ELLIPSE, "theta": None}, [14, 12, 46, 28]),
        ({**ELLIPSE, "theta": np.pi / 2}, [22, 4, 38, 36]),
        ({**ELLIPSE, "rx": 12, "ry": 12, "theta": 0.7}, [18, 8, 42, 32]),
    ],
)
def test_a_round_shape_gets_the_box_around_it(
    tmp_path: Path, shape: dict[str, Any], corners: list[float]
) -> None:
    report = checked(tmp_path, shape)
    np.testing.assert_allclose(report.data.boxes.corners, [corners])


@pytest.mark.parametrize(
    "shape", [{**CIRCLE, "cx": 10**400}, {**CIRCLE, "r": 10**400}, {**ELLIPSE, "ry": 10**400}]
)
def test_a_round_shape_of_a_number_that_no_float_holds_is_an_error(
    tmp_path: Path, shape: dict[str, Any]
) -> None:
    report = checked(tmp_path, shape)
    [text] = texts(report, "annotations-unreadable")
    assert text.startswith("via.json: not VIA's: ")
    assert len(report.data.boxes) == 0
