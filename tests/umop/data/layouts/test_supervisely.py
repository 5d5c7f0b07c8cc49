"""The shapes of Supervisely's objects."""

from __future__ import annotations

import io
import json
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from tests.umop.data.samples import HEIGHT, WIDTH
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")

BOX = {"points": {"exterior": [[30, 10], [50, 40]], "interior": []}}


def mask(width: int, height: int) -> str:
    png = io.BytesIO()
    Image.new("L", (width, height), 255).save(png, "PNG")
    return b64encode(zlib.compress(png.getvalue())).decode()


def checked(root: Path, *objects: dict[str, Any]) -> Report:
    drawn(root, ["img/a.jpg"])
    listed = [{"classTitle": "cat", **each} for each in objects]
    content = {"size": {"height": HEIGHT, "width": WIDTH}, "objects": listed}
    write(root / "ann/a.jpg.json", json.dumps(content))
    return check(open_data(root))


@pytest.mark.parametrize("kind", ["bitmap", "alpha_mask"])
def test_a_mask_has_a_box(tmp_path: Path, kind: str) -> None:
    drawing = {"geometryType": kind, "bitmap": {"origin": [8, 6], "data": mask(16, 24)}}
    report = checked(tmp_path, drawing, {"geometryType": "rectangle", **BOX})
    assert report.data.boxes.corners.tolist() == [[8, 6, 24, 30], [30, 10, 50, 40]]
    assert report.of("error") == ()


@pytest.mark.parametrize(
    "drawing",
    [
        {"geometryType": "bitmap", "bitmap": {"origin": [8, 6], "data": "eJwB"}},
        {"geometryType": "bitmap", "bitmap": {"origin": [8, 6], "data": mask(16, 24)[:9]}},
        {"geometryType": "bitmap", "bitmap": None},
        {"geometryType": "polygon", "points": {}},
    ],
)
def test_a_shape_that_is_not_read_is_an_error(tmp_path: Path, drawing: dict[str, Any]) -> None:
    report = checked(tmp_path, drawing, {"geometryType": "rectangle", **BOX})
    assert texts(report, "annotation-numbers") == [
        f"ann/a.jpg.json: object 1, a {drawing['geometryType']}, is no rectangle, polygon or mask "
        "that can be read"
    ]


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        ({"geometryType": "point", **BOX}, "a point"),
        ({"geometryType": "graph", "nodes": {}}, "a graph"),
        ({"geometryType": "cuboid", "points": [[1, 2]], "faces": []}, "a cuboid"),
        ({"geometryType": "mask_3d"}, "a mask_3d"),
        ({"bitmap": None, **BOX}, "of no geometryType"),
    ],
)
def test_other_kinds_of_shapes_have_no_box(
    tmp_path: Path, drawing: dict[str, Any], said: str
) -> None:
    report = checked(tmp_path, drawing, {"geometryType": "rectangle", **BOX})
    assert texts(report, "shape-without-box") == [
        f"ann/a.jpg.json: object 1 is {said}, and no rectangle, polygon or mask"
    ]
    assert (len(report.data.boxes), report.of("error")) == (1, ())
