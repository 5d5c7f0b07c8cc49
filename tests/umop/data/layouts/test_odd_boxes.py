"""What layouts have beside plain boxes: regions to ignore, rotation, images without any."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import (
    counts,
    drawn,
    pair,
    texts,
)
from tests.umop.data.samples import HEIGHT, WIDTH
from umop.data.check import check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def test_visdrone_and_its_regions_to_ignore(tmp_path: Path) -> None:
    lines = "4,5,20,20,1,4,0,0\n4,5,20,20,0,0,0,0\n30,5,20,20,1,11,0,0,\n"
    for split in ("train", "val"):
        folder = f"VisDrone2019-DET-{split}"
        pair(tmp_path, f"{folder}/images/{split}.jpg", f"{folder}/annotations/{split}.txt", lines)
    report = check(open_data(tmp_path))
    data = report.data
    assert (data.layout, counts(data)) == ("VisDrone", {"train": 1, "val": 1})
    assert data.boxes.corners.tolist() == [[4, 5, 24, 25]] * 2
    assert {data.classes[label] for label in data.boxes.label} == {"car"}
    assert len(texts(report, "region-ignored")) == 4


def test_wider_face_and_its_images_without_faces(tmp_path: Path) -> None:
    for split in ("train", "val"):
        names = [f"0--Parade/{split}{i}.jpg" for i in range(2)]
        drawn(tmp_path / f"WIDER_{split}" / "images", names)
        faces = "2\n4 5 20 20 0 0 0 0 0 0 \n9 9 9 9 0 0 0 1 0 0\n"
        text = f"{names[0]}\n{faces}{names[1]}\n0\n0 0 0 0 0 0 0 0 0 0 \n"
        write(tmp_path / f"wider_face_split/wider_face_{split}_bbx_gt.txt", text)
    report = check(open_data(tmp_path))
    data = report.data
    assert (data.layout, counts(data)) == ("WIDER FACE", {"train": 2, "val": 2})
    assert data.boxes.corners.tolist() == [[4, 5, 24, 25]] * 2
    assert report.of("error") == ()


@pytest.mark.parametrize(
    ("value", "corners"),
    [
        ({"x": 50, "y": 50, "width": 25, "height": 25}, [32 - 12, 24, 32, 24 + 16]),
        ({"x": 50, "y": 50, "radiusX": 25, "radiusY": 12.5}, [32 - 6, 24 - 16, 32 + 6, 24 + 16]),
    ],
)
def test_a_rotated_region_of_label_studio_gets_the_box_around_it(
    tmp_path: Path, value: dict[str, float], corners: list[float]
) -> None:
    pair(tmp_path, "a.jpg", None)
    region = {
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "value": {**value, "rotation": 90, "labels": ["cat"]},
    }
    tasks = [
        {"data": {"image": "a.jpg"}, "annotations": [{"result": [region]}]},
        {"data": {"image": "unfinished.jpg"}, "annotations": []},
    ]
    write(tmp_path / "export.json", json.dumps(tasks))
    data = open_data(tmp_path)
    assert len(data.images) == 1
    np.testing.assert_allclose(data.boxes.corners, [corners])
