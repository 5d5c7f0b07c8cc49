"""What is about to be trained is counted, and boxes that are too small for it are said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from umop.config.load import load_config
from umop.training.plan import Counts, advise, box_share

DATA: dict[str, Any] = {
    "images": [{"id": 1, "width": 2000, "height": 1000}, {"id": 2, "width": 500, "height": 1000}],
    "annotations": [
        {"image_id": 1, "bbox": [0, 0, 40, 90]},
        {"image_id": 2, "bbox": [9, 9, 100, 100]},
        {"image_id": 2, "bbox": [9, 9, 40, 40]},
    ],
}


def test_the_side_of_the_median_box() -> None:
    assert box_share(DATA) == pytest.approx(0.04)
    assert box_share({**DATA, "annotations": []}) == 0


@pytest.mark.parametrize(
    ("share", "advice"),
    [
        (0.03, "than 12 pixels once pictures are scaled to 416.*--size 832 .* 4 times as long"),
        (0.01, "than 4.2 pixels .*--size 1664 .* 16 times as long"),
    ],
)
def test_boxes_that_are_too_small(share: float, advice: str) -> None:
    said = advise(load_config("small"), Counts(train=9, val=9, classes=1, box_share=share))
    assert said
    assert re.search(advice, said)


@pytest.mark.parametrize(
    ("name", "settings", "share"),
    [
        ("small", ["size=(832, 832)"], 0.03),
        ("small", [], 0.0),
        ("demo", [], 0.001),  # pictures keep their size
    ],
)
def test_boxes_that_are_not_too_small(name: str, settings: list[str], share: float) -> None:
    counts = Counts(train=9, val=9, classes=1, box_share=share)
    assert advise(load_config(name, settings), counts) is None
