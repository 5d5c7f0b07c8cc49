"""Whether a model is worse by more than chance explains."""

from __future__ import annotations

import pytest

from tests.umop.evaluation.boxes import CAT, DOG, Box, box, matched
from umop.evaluation.compare import Comparison
from umop.system.errors import UserError

IMAGES = 30
TRUTH = [each for i in range(1, IMAGES + 1) for each in (box(i, CAT, 0), box(i, DOG, 100))]


def found(cats: int, dogs: int, first: int = 1) -> list[Box]:
    """Finds the cats in some of the images, and the dogs in some, from one image on."""
    numbers = {CAT: cats, DOG: dogs}
    lefts = {CAT: 0, DOG: 100}
    return [
        box((first + i - 1) % IMAGES + 1, category, lefts[category], score=0.9)
        for category, count in numbers.items()
        for i in range(count)
    ]


def compared(a: list[Box], b: list[Box]) -> Comparison:
    return Comparison.of(matched(TRUTH, a, IMAGES), matched(TRUTH, b, IMAGES))


def test_what_is_lost_is_named() -> None:
    comparison = compared(found(30, 30), found(30, 15))
    assert comparison.mean.is_worse
    assert comparison.worse() == ["dog"]
    assert (comparison.mean.a, comparison.images) == (1, 30)
    dog, cat = comparison.classes
    assert (dog.name, dog.a, dog.b) == ("dog", 1, pytest.approx(0.5, abs=0.01))
    # The difference is the part of the dogs that is lost: of 30 draws with a chance of a half,
    # 12.5 % are 2.3 standard deviations.
    low, high = dog.interval
    assert low == pytest.approx(-0.5 - 2.24 * (0.25 / 30) ** 0.5, abs=0.05)
    assert high == pytest.approx(-0.5 + 2.24 * (0.25 / 30) ** 0.5, abs=0.05)
    assert cat.interval == (0, 0)
    assert not cat.is_worse


def test_the_other_way_round_it_is_better() -> None:
    comparison = compared(found(30, 15), found(30, 30))
    assert not comparison.mean.is_worse
    assert comparison.worse() == []
    assert comparison.mean.interval[0] > 0


def test_as_many_found_in_other_images_are_no_difference() -> None:
    comparison = compared(found(15, 15), found(15, 15, first=10))
    low, high = comparison.mean.interval
    assert low < 0 < high
    assert comparison.worse() == []


def test_the_same_detections_do_not_differ_at_all() -> None:
    comparison = compared(found(20, 10), found(20, 10))
    assert comparison.mean.interval == (0, 0)
    assert not comparison.mean.is_worse


def test_a_class_in_few_images_is_not_judged() -> None:
    truth = [each for each in TRUTH if each["category_id"] == CAT or each["image_id"] < 10]
    a, b = (matched(truth, each, IMAGES) for each in (found(30, 9), found(30, 0)))
    comparison = Comparison.of(a, b)
    assert [each.name for each in comparison.classes] == ["cat"]
    assert comparison.unjudged == ["dog"]
    assert comparison.mean.is_worse, "it counts in the mean"


def test_without_boxes_there_is_nothing_to_compare() -> None:
    with pytest.raises(UserError, match="the annotations have no boxes"):
        Comparison.of(matched([], [], IMAGES), matched([], [], IMAGES))
