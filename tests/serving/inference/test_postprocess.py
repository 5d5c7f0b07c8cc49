from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from serving.bundle.schema import PostprocessSpec, Size
from serving.inference.postprocess import nms, select
from serving.inference.preprocess import Prepared
from serving.schemas.options import DetectOptions

Array = np.ndarray[Any, Any]


def reference_nms(boxes: Array, scores: Array, labels: Array, threshold: float) -> list[int]:
    """Pair by pair, in double precision."""
    kept: list[int] = []
    for candidate in np.argsort(-scores, kind="stable"):
        overlaps = [
            iou(boxes[candidate].astype(float), boxes[other].astype(float))
            for other in kept
            if labels[other] == labels[candidate]
        ]
        if all(overlap <= threshold for overlap in overlaps):
            kept.append(int(candidate))
    return kept


def iou(a: Array, b: Array) -> float:
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union else 0.0


@pytest.mark.parametrize("seed", range(10))
def test_nms_keeps_what_the_slow_reference_keeps(seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 60, (300, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0, 40, (300, 2))], 1)
    boxes = boxes.astype(np.float32)
    scores = random.permutation(np.linspace(0.01, 1, 300)).astype(np.float32)
    labels = random.integers(0, 3, 300)
    order = np.argsort(-scores)
    kept = order[nms(boxes[order], labels[order], 0.5, 300)]
    assert kept.tolist() == reference_nms(boxes, scores, labels, 0.5)
    first = order[nms(boxes[order], labels[order], 0.5, 7)]
    assert first.tolist() == kept[:7].tolist()


def test_nms_of_nothing_keeps_nothing() -> None:
    assert nms(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), 0.5, 10).tolist() == []


def test_select_drops_empty_rows_and_maps_boxes_back() -> None:
    boxes = np.array([[10, 10, 200, 60], [0, 0, 5, 5]], np.float32)
    scores = np.array([0.9, 0], np.float32)
    image = Prepared(
        np.zeros((50, 100, 3), np.uint8),
        canvas=Size(width=128, height=64),
        original=Size(width=400, height=200),
    )
    found = select(
        boxes,
        scores,
        np.zeros(2, np.int64),
        image,
        PostprocessSpec(),
        DetectOptions(score_threshold=0),
        None,
        np.zeros(1, np.float32),
    )
    assert found.boxes.tolist() == [[40, 40, 400, 200]]


def test_select_drops_boxes_outside_the_image() -> None:
    boxes = np.array([[100, 0, 140, 20], [-30, 5, 0, 9], [90, 40, 120, 60]], np.float32)
    image = Prepared(
        np.zeros((50, 100, 3), np.uint8),
        Size(width=128, height=64),
        Size(width=100, height=50),
    )
    found = select(
        boxes,
        np.array([0.9, 0.8, 0.7], np.float32),
        np.zeros(3, np.int64),
        image,
        PostprocessSpec(),
        DetectOptions(),
        None,
        np.zeros(1, np.float32),
    )
    np.testing.assert_array_equal(found.boxes, [[90, 40, 100, 50]])
