"""Which image the regions of Label Studio's tasks are drawn on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.umop.data.layouts.label_studio.test_label_studio import SIDES, checked
from tests.umop.data.layouts.tools import label_studio_region
from tests.umop.data.reported import texts

pytestmark = pytest.mark.usefixtures("own_cache")

SEVERAL = "its boxes are on several images: give each image a task of its own"
UNCLEAR = "it is not clear which image of {} its boxes are on: give each image a task of its own"


def task(data: dict[str, Any], *canvases: str, **more: Any) -> dict[str, Any]:
    """A task with a box for each tag that is drawn on."""
    value = label_studio_region("cat", (8, 6, 24, 30))
    results = [
        {**SIDES, **more, "id": str(number), "to_name": each, "value": value}
        for number, each in enumerate(canvases)
    ]
    return {"id": 7, "data": data, "annotations": [{"result": results}]}


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([task({"img1": "/d/a.jpg", "img2": "/d/b.jpg"}, "img1", "img2")], SEVERAL),
        ([task({"image": "/d/a.jpg"}, "img1", "img2")], SEVERAL),
        (
            [task({"one": "/d/a.jpg", "two": "/d/b.jpg"}, "photo")],
            UNCLEAR.format("one, two"),
        ),
        (
            [
                task({"image": "/d/a.jpg", "two": "/d/b.jpg"}, "second"),
                task({"image": "/d/a.jpg"}, "first"),
            ],
            UNCLEAR.format("image, two"),
        ),
        ([task({"image": "/d/a.jpg"}, "image", item_index=1)], SEVERAL),
        (
            [task({"pages": ["/d/a.jpg", "/d/b.jpg"]}, "image")],
            "its data names no single image: give each image a task of its own",
        ),
    ],
)
def test_boxes_whose_image_is_not_clear_are_an_error(
    tmp_path: Path, tasks: list[dict[str, Any]], said: str
) -> None:
    other = {**task({"image": "b.jpg"}, "first"), "id": 8}
    report = checked(tmp_path, *tasks, other)
    assert texts(report, "annotations-unreadable") == [f"export.json: task 7: {said}"]


@pytest.mark.parametrize(
    ("data", "canvas"),
    [
        ({"captured": "2024/05/01", "image_url": "/d/0a1b2c3d-a.jpg"}, "img"),
        ({"one": "/d/b.jpg", "two": "/d/a.jpg"}, "two"),
        ({"thumbnail": "/d/b.jpg", "image": "/d/a.jpg"}, "img"),
        ({"name": "a.jpg", "url": "/d/0a1b2c3d-a.jpg"}, "img"),
        ({"photo": "a.jpg"}, "img"),
        ({"img_url": "s3://b/a.jpg", "thumbnail": "s3://b/thumbs/a_thumb.jpg"}, "image"),
        ({"reference": "s3://b/ref.png", "photo": "s3://b/a.jpg"}, "tag"),
        ({"img": "/d/0a1b2c3d-a.jpg", "original_name": "DSC_0.JPG"}, "image"),
        ({"image": "", "url": "s3://b/a.jpg"}, "img"),
        ({"image": None, "url": "s3://b/a.jpg"}, "img"),
    ],
)
def test_the_image_that_is_drawn_on_is_taken(
    tmp_path: Path, data: dict[str, Any], canvas: str
) -> None:
    report = checked(tmp_path, task(data, canvas))
    assert [image.path.name for image in report.data.images] == ["a.jpg"]
    assert report.of("error") == ()


def test_a_second_value_that_is_no_image_here_leaves_the_first(tmp_path: Path) -> None:
    data = {"image": "s3://b/a.jpg", "thumb": "s3://b/ta.jpg"}
    report = checked(tmp_path, task(data, "one"), {**task({"image": "b.jpg"}, "two"), "id": 8})
    assert [image.path.name for image in report.data.images] == ["a.jpg", "b.jpg"]
    assert report.of("error") == ()


def test_of_images_none_of_which_is_here_the_first_is_missing(tmp_path: Path) -> None:
    report = checked(tmp_path, task({"one": "/d/x.jpg", "two": "/d/y.jpg"}, "photo"))
    assert texts(report, "image-missing") == ["export.json lists /d/x.jpg"]


def test_tasks_that_are_all_refused_are_not_taken_for_a_models(tmp_path: Path) -> None:
    refused = task({"image": "/d/a.jpg"}, "img1", "img2")
    report = checked(tmp_path, {**refused, "predictions": refused["annotations"]})
    assert texts(report, "annotations-unreadable") == [f"export.json: task 7: {SEVERAL}"]


def test_rows_of_json_min_that_name_two_images_are_an_error(tmp_path: Path) -> None:
    region = {**SIDES, **label_studio_region("cat", (8, 6, 24, 30))}
    row = {"id": 7, "one": "/d/a.jpg", "two": "/d/b.jpg", "label1": [region], "label2": [region]}
    report = checked(tmp_path, row)
    said = UNCLEAR.format("one, two")
    assert texts(report, "annotations-unreadable") == [f"export.json: task 7: {said}"]
