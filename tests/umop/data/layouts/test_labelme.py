"""Which image a file of LabelMe's is of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.umop.data.layouts.writers import write
from tests.umop.data.reported import drawn, texts
from umop.data.check import Report, check
from umop.data.recognition import open_data

pytestmark = pytest.mark.usefixtures("own_cache")


def checked(root: Path, names: dict[str, str]) -> Report:
    """Files of annotations by their names, each with the name that it gives."""
    for number, (file, name) in enumerate(names.items()):
        points = [[8 + number, 6], [24, 30]]
        shape = {"label": "cat", "shape_type": "rectangle", "points": points}
        write(root / file, json.dumps({"shapes": [shape], "imagePath": name}))
    return check(open_data(root))


def sides(report: Report) -> dict[str, float]:
    """The left side of each image's box."""
    data = report.data
    return {
        data.name(data.images[image].path): float(corners[0])
        for image, corners in zip(data.boxes.image, data.boxes.corners, strict=True)
    }


def test_a_name_from_before_images_were_renamed_takes_no_other_image(tmp_path: Path) -> None:
    drawn(tmp_path, ["1.jpg", "2.jpg", "3.jpg"])
    report = checked(tmp_path, {"1.json": "0.jpg", "2.json": "1.jpg", "3.json": "2.jpg"})
    assert sides(report) == {"1.jpg": 8, "2.jpg": 9, "3.jpg": 10}
    assert report.of("error") == ()
    assert texts(report, "image-named-otherwise") == [
        "2.json: it names 1.jpg, and is taken for 2.jpg",
        "3.json: it names 2.jpg, and is taken for 3.jpg",
    ]


def test_the_file_itself_is_no_image(tmp_path: Path) -> None:
    drawn(tmp_path, ["a.jpg"])
    report = checked(tmp_path, {"a.json": "a.json"})
    assert (sides(report), report.of("error")) == ({"a.jpg": 8}, ())


def test_an_image_in_the_folder_that_is_named_is_taken(tmp_path: Path) -> None:
    drawn(tmp_path, ["day1/a.jpg", "day2/a.jpg"])
    report = checked(tmp_path, {"one.json": "day1/a.jpg", "a.json": "day2/a.jpg"})
    assert sides(report) == {"day1/a.jpg": 8, "day2/a.jpg": 9}
