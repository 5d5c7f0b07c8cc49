"""Collages show what their boxes say, and stretched images too."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
import pytest
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import TRANSFORMS

from umop.config.load import load_config

COLORS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]
SIDES = (128, 96)


@pytest.fixture(autouse=True)
def seeded() -> None:
    load_config("small")  # registers the steps
    random.seed(1)
    np.random.seed(1)


def sample(label: int, width: int, height: int) -> dict[str, Any]:
    """A black image with one rectangle, of the label's color."""
    pixels = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = width // 4, height // 4, width * 3 // 4, height * 2 // 3
    pixels[top:bottom, left:right] = COLORS[label]
    return {
        "img": pixels,
        "img_shape": (height, width),
        "gt_bboxes": HorizontalBoxes(np.array([[left, top, right, bottom]], np.float32)),
        "gt_bboxes_labels": np.array([label]),
        "gt_ignore_flags": np.array([False]),
    }


def collage() -> dict[str, Any]:
    step = TRANSFORMS.build(
        {"type": "Collage", "img_scale": SIDES, "ratio_range": (0.5, 1.5), "prob": 0.5}
    )
    others = [sample(1, 300, 200), sample(2, 90, 160), sample(3, 40, 40)]
    made: dict[str, Any] = step({**sample(0, 200, 300), "mix_results": others})
    return made


def extent(pixels: Any, color: tuple[int, int, int]) -> list[int]:
    """The box, xyxy, of what has a color."""
    like = (np.abs(pixels.astype(int) - color).sum(axis=2) < 60).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(like)
    return [left, top, left + width, top + height]


def test_boxes_of_a_collage_lie_where_their_objects_are() -> None:
    labels = set()
    for _ in range(30):
        made = collage()
        assert made["img"].shape == (96, 128, 3)
        assert made["img_shape"] == (96, 128)
        assert len(made["gt_ignore_flags"]) == len(made["gt_bboxes"])
        boxes = made["gt_bboxes"].tensor.tolist()
        for box, label in zip(boxes, made["gt_bboxes_labels"], strict=True):
            assert box == pytest.approx(extent(made["img"], COLORS[label]), abs=3)
            labels.add(int(label))
    assert labels == {0, 1, 2, 3}


def test_objects_are_stretched_with_their_image() -> None:
    step = TRANSFORMS.build({"type": "StretchedResize", "scale": (416, 416), "stretch": 1.5})
    ratios = []
    for _ in range(30):
        made = step(sample(0, 200, 300))
        height, width = made["img"].shape[:2]
        assert made["img_shape"] == (height, width)
        assert width * height == pytest.approx(416 * 416 * 2 / 3, rel=0.02)
        [box] = made["gt_bboxes"].tensor.tolist()
        assert box == pytest.approx(extent(made["img"], COLORS[0]), abs=3)
        ratios.append(width / height * 1.5)
    assert 1 / 1.51 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.51
