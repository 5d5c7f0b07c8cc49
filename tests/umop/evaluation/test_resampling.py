"""AP from matches, of the images as they are and of weighted ones."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.umop.evaluation.boxes import CAT, DOG, box, matched
from tests.umop.evaluation.test_coco_metrics import random_data
from umop.evaluation import resampling
from umop.evaluation.matches import Matches
from umop.evaluation.resampling import average_precision, interval, mean_of_classes, resampled


def by_pycocotools(content: dict[str, Any], detections: list[Any]) -> NDArray[np.float64]:
    """AP by IoU and class; NaN without boxes."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(each) for each in detections]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    values = evaluation.eval["precision"][:, :, :, 0, -1].mean(1)
    return np.where(values < 0, np.nan, values)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sides", [(4, 300), (40, 90)])
def test_ap_is_that_of_pycocotools(seed: int, sides: tuple[float, float]) -> None:
    content, detections = random_data(seed, sides)
    matches = Matches.of(content, detections)
    [found] = average_precision(matches, np.ones((1, matches.images), np.int32))
    np.testing.assert_allclose(found, by_pycocotools(content, detections), atol=1e-12)
    assert (matches.ignored > 0).any(), "crowds are part of it"


def test_an_image_of_weight_two_counts_as_if_it_were_there_twice() -> None:
    content, detections = random_data(3, (20, 200))
    for place, each in enumerate(detections):
        each["score"] += place * 1e-9  # of equal scores, COCO takes the images in turn
    matches = Matches.of(content, detections)
    weights = np.arange(matches.images, dtype=np.int32)[None] % 3
    [found] = average_precision(matches, weights)
    often = dict(zip((each["id"] for each in content["images"]), weights[0], strict=True))
    images = repeated(content["images"], often, "id")
    boxes = repeated(content["annotations"], often, "image_id")
    boxes = [{**each, "id": number} for number, each in enumerate(boxes, 1)]
    expected = by_pycocotools(
        {**content, "images": images, "annotations": boxes},
        repeated(detections, often, "image_id"),
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)


def repeated(listed: list[Any], often: dict[int, int], key: str) -> list[Any]:
    """Each entry as often as its image counts, every time with another image."""
    return [
        {**each, key: each[key] + 1000 * copy}
        for each in listed
        for copy in range(often[each[key]])
    ]


def test_a_class_counts_up_to_its_hundredth_detection_in_an_image() -> None:
    many = [box(1, CAT, 500 + 30 * i, score=0.9 - i / 1000) for i in range(100)]
    matches = matched([box(1, CAT, 0)], [*many, box(1, CAT, 0, score=0.1)])
    assert len(matches.score) == 100
    assert not matches.found.any()


def test_more_count_where_an_image_has_more_objects_than_a_hundred() -> None:
    truth = [box(1, CAT, 30 * i) for i in range(150)]
    matches = matched(truth, [{**each, "score": 0.9} for each in truth])
    assert len(matches.score) == 150
    assert np.nanmin(average_precision(matches, np.ones((1, 1), np.int32))) == 1


def test_draws_are_the_same_for_all_and_each_time() -> None:
    truth = [box(i, CAT, 0) for i in range(1, 21)]
    found = [box(i, CAT, 0, score=0.5 + i / 100) for i in range(1, 21, 2)]
    matches = matched(truth, found, images=20)
    first, second = (mean_of_classes(each).mean(1) for each in resampled(matches, matches))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, mean_of_classes(resampled(matches)[0]).mean(1))
    low, high = interval(first) or (0, 0)
    # AP is the part of the boxes that is found: of 20 draws with a chance of a half,
    # 6 to 14 are 96 %, 7 to 13 are 88 %.
    assert 0.25 < low <= 0.35
    assert 0.65 <= high < 0.75


def test_drawing_some_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    matches = Matches.of(*random_data(1, (20, 200)))
    [whole] = resampled(matches)
    monkeypatch.setattr(resampling, "_MOST_NUMBERS", 50_000)
    np.testing.assert_array_equal(resampled(matches)[0], whole)


def test_a_class_without_boxes_has_no_ap_and_no_interval() -> None:
    matches = matched([box(1, CAT, 0)], [box(1, CAT, 0, score=0.9), box(1, DOG, 0, score=0.8)])
    [samples] = resampled(matches)
    assert np.isnan(samples[..., 1]).all()
    assert interval(samples[:, 0, 1]) is None
    assert interval(mean_of_classes(samples)[:, 0]) == (1.0, 1.0)
