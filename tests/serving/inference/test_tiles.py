"""Windows of an image, and merging what they show, on random scenes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from serving.bundle.schema import Size, TileSpec
from serving.inference import merging
from serving.inference.merging import merge, moved
from serving.inference.postprocess import Detections
from serving.inference.windows import Window, count_windows, windows

Array = np.ndarray[Any, Any]
Object = tuple[int, int, int, int, int]  # left, top, width, height, class

SPECS = st.builds(
    lambda window, share: TileSpec(window=window, overlap=int(window * share)),
    st.integers(64, 400),
    st.sampled_from([0.125, 0.25, 0.4, 0.5]),
)
SIZES = st.builds(Size, width=st.integers(1, 900), height=st.integers(1, 900))


@settings(max_examples=60, deadline=None)
@given(SIZES, SPECS)
def test_windows_of_one_size_cover_the_image_and_overlap_enough(size: Size, spec: TileSpec) -> None:
    found = windows(size, spec)
    assert len(found) == count_windows(size, spec)
    assert len({(right - left, bottom - top) for left, top, right, bottom in found}) == 1
    for side, first, last in ((size.width, 0, 2), (size.height, 1, 3)):
        spans = sorted({(each[first], each[last]) for each in found})
        assert spans[0][0] == 0
        assert spans[-1][1] == side
        shared = [one[1] - other[0] for one, other in pairwise(spans)]
        assert min(shared, default=spec.overlap) >= spec.overlap
        assert spans[0][1] - spans[0][0] == min(spec.window, side)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Size, TileSpec, list[Object]]:
    """An image, its windows, and objects that one of them shows whole; most lie near borders."""
    size = draw(st.builds(Size, width=st.integers(60, 900), height=st.integers(60, 900)))
    spec = draw(SPECS)
    borders = sorted({side for window in windows(size, spec) for side in window})
    most = max(3, spec.overlap - 2 * (spec.window // 64 + 2))
    objects: list[Object] = []
    for _ in range(draw(st.integers(0, 25))):
        width, height = (
            draw(st.integers(3, min(most, side))) for side in (size.width, size.height)
        )
        near_x, near_y = draw(st.sampled_from(borders)), draw(st.sampled_from(borders))
        left = near_x + draw(st.integers(-most, most))
        top = near_y + draw(st.integers(-most, most))
        left = min(max(left, 0), size.width - width)
        top = min(max(top, 0), size.height - height)
        objects.append((left, top, width, height, draw(st.integers(0, 1))))
    return size, spec, apart(objects)


def apart(objects: Sequence[Object]) -> list[Object]:
    """Objects that non-maximum suppression would leave side by side."""
    kept: list[Object] = []
    for each in objects:
        if all(each[4] != other[4] or iou(corners(each), corners(other)) < 0.45 for other in kept):
            kept.append(each)
    return kept


def corners(of: Object) -> Array:
    left, top, width, height, _ = of
    return np.array([left, top, left + width, top + height], np.float32)


def iou(one: Array, other: Array) -> float:
    width, height = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = max(width, 0) * max(height, 0)
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))


def seen_in(window: Window, objects: Sequence[Object], random: np.random.Generator) -> Detections:
    """What a faultless network finds in a window: each object as far as the window shows it."""
    boxes, scores, labels = [], [], []
    for each in objects:
        whole = corners(each)
        shown = np.concatenate(
            [np.maximum(whole[:2], window[:2]), np.minimum(whole[2:], window[2:])]
        )
        if (shown[2:] - shown[:2] >= 1).all():
            boxes.append(shown - [window.left, window.top] * 2)
            scores.append(random.uniform(0.5, 1))
            labels.append(each[4])
    return moved(
        Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(scores, np.float32),
            np.array(labels, np.int64),
        ),
        window,
    )


def detect(size: Size, spec: TileSpec, objects: Sequence[Object], limit: int = 1000) -> Detections:
    random = np.random.default_rng(len(objects))
    places = windows(size, spec)
    return merge([seen_in(each, objects, random) for each in places], places, size, spec, limit)


def as_set(found: Detections) -> list[tuple[float, ...]]:
    rows = zip(found.boxes.tolist(), found.labels.tolist(), strict=True)
    return sorted((*box, label) for box, label in rows)


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_every_object_is_found_once_and_whole(scene: tuple[Size, TileSpec, list[Object]]) -> None:
    size, spec, objects = scene
    expected = sorted((*corners(each).tolist(), each[4]) for each in objects)
    assert as_set(detect(size, spec, objects)) == expected


@settings(max_examples=60, deadline=None)
@given(SIZES, SPECS, st.data())
def test_an_object_that_no_window_shows_whole_is_joined(
    size: Size, spec: TileSpec, data: st.DataObject
) -> None:
    width, height = (data.draw(st.integers(1, side)) for side in (size.width, size.height))
    left = data.draw(st.integers(0, size.width - width))
    top = data.draw(st.integers(0, size.height - height))
    found = detect(size, spec, [(left, top, width, height, 0)])
    assert as_set(found) == [(left, top, left + width, top + height, 0)]


def test_merged_boxes_are_the_best_first_and_limited() -> None:
    objects = [(40 * index, 10, 20, 20, 0) for index in range(20)]
    found = detect(Size(width=900, height=80), TileSpec(window=200, overlap=50), objects, limit=7)
    everything = detect(Size(width=900, height=80), TileSpec(window=200, overlap=50), objects)
    assert found.scores.tolist() == sorted(everything.scores.tolist(), reverse=True)[:7]


def test_a_faint_whole_box_does_not_replace_a_good_part() -> None:
    size, spec = Size(width=180, height=100), TileSpec(window=100, overlap=20)
    part, faint = alone([70, 10, 100, 50], 0.9), alone([83, 10, 104, 50], 0.1)
    found = merge([part, faint], windows(size, spec), size, spec, 10)
    np.testing.assert_array_equal(found.boxes, [[70, 10, 100, 50]])


def alone(box: Sequence[float], score: float) -> Detections:
    return Detections(
        np.array([box], np.float32), np.array([score], np.float32), np.zeros(1, np.int64)
    )


def test_what_merging_costs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_MERGED", 5)
    objects = [(40 * index, 10, 20, 20, 0) for index in range(20)]
    found = detect(Size(width=900, height=80), TileSpec(window=200, overlap=50), objects)
    assert len(found) <= 5


@pytest.mark.parametrize(
    ("window", "overlap"),
    [(0, 1), (63, 10), (10**9, 100), (640, 0), (640, -1), (640, 39), (640, 321), (640, 640)],
)
def test_windows_that_cannot_be_are_refused(window: int, overlap: int) -> None:
    with pytest.raises(ValidationError):
        TileSpec(window=window, overlap=overlap)
