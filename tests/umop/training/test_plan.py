"""What is about to be trained is counted."""

from __future__ import annotations

from typing import Any

import pytest

from umop.config.load import load_config
from umop.training.plan import _describe_epochs, box_share
from umop.training.schedule import ScheduleOptions, fit

DATA: dict[str, Any] = {
    "images": [{"id": 1, "width": 2000, "height": 1000}, {"id": 2, "width": 500, "height": 1000}],
    "annotations": [
        {"image_id": 1, "bbox": [0, 0, 40, 90]},
        {"image_id": 2, "bbox": [9, 9, 100, 100]},
        {"image_id": 2, "bbox": [9, 9, 40, 40]},
    ],
}


def test_the_side_of_the_median_box() -> None:
    assert box_share(DATA, (640, 640)) == pytest.approx(0.04)
    assert box_share({**DATA, "annotations": []}, ()) == 0


def test_a_square_image_is_fit_into_the_shorter_side() -> None:
    square = {"images": [{"id": 1, "width": 1000, "height": 1000}]}
    content = {**square, "annotations": [{"image_id": 1, "bbox": [0, 0, 12, 12]}]}
    assert 1333 * box_share(content, (1333, 800)) == pytest.approx(9.6)
    assert 416 * box_share(content, (416, 416)) == pytest.approx(416 * 0.012)


@pytest.mark.parametrize(
    ("name", "images", "epochs"),
    [("small", 205, "36"), ("small", 6, "800"), ("small", 1, "4800"), ("rtmdet_tiny", 6, "1000")],
)
def test_epochs_say_how_often_each_image_is_seen(name: str, images: int, epochs: str) -> None:
    config = load_config(name)
    fit(config, ScheduleOptions(), images, 1)
    assert _describe_epochs(config, images, 1) == epochs
