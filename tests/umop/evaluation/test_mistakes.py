"""Where AP50 is lost, computed by hand: a cat at 0 and a dog at 100, unless a case says more."""

from __future__ import annotations

import pytest

from tests.umop.evaluation.boxes import CAT, DOG, Box, box, matched
from umop.evaluation.mistakes import MISTAKES, lost

TRUTH = [box(1, CAT, 0), box(1, DOG, 100)]
CAT_FOUND = box(1, CAT, 0, score=0.9)
DOG_FOUND = box(1, DOG, 100, score=0.9)
OFF = 10
"""So far aside, a box overlaps with an IoU of 1/3."""


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        # AP50 is 1 for cats and 0 for dogs, and would be 1 for both.
        (TRUTH, [CAT_FOUND, box(1, CAT, 100, score=0.8)], {"class": 0.5}),
        (TRUTH, [CAT_FOUND, box(1, DOG, 100 + OFF, score=0.8)], {"box": 0.5}),
        (TRUTH, [CAT_FOUND], {"missed": 0.5}),
        # A better false cat halves the cats' precision; the dog is missed besides: without dogs,
        # AP50 is that of the cats.
        (TRUTH, [CAT_FOUND, box(1, CAT, 100 + OFF, score=0.95)], {"both": 0.25, "missed": 0.25}),
        (TRUTH, [CAT_FOUND, box(1, CAT, 300, score=0.95)], {"background": 0.25, "missed": 0.25}),
        # Of two cats the second is found after a second detection of the first: its precision is
        # 2/3, at the 50 recalls above 0.5.
        (
            [box(1, CAT, 0), box(1, CAT, 50)],
            [CAT_FOUND, box(1, CAT, 1, score=0.8), box(1, CAT, 50, score=0.7)],
            {"twice": 50 / 3 / 101},
        ),
        # The dog is found as well, so the false cat on it is left out, not put right.
        (TRUTH, [CAT_FOUND, DOG_FOUND, box(1, CAT, 100, score=0.95)], {"class": 0.25}),
        (TRUTH, [CAT_FOUND, DOG_FOUND], {}),
    ],
)  # fmt: skip
def test_each_kind_costs_what_ap50_gains_without_it(
    truth: list[Box], found: list[Box], expected: dict[str, float]
) -> None:
    costs = lost(matched(truth, found))
    assert list(costs) == list(MISTAKES)
    assert costs == pytest.approx({**dict.fromkeys(MISTAKES, 0.0), **expected})


def test_of_several_for_one_box_only_the_best_is_put_right() -> None:
    found = [CAT_FOUND, box(1, CAT, 100, score=0.8), box(1, CAT, 101, score=0.7)]
    assert lost(matched(TRUTH, found))["class"] == pytest.approx(0.5)


def test_what_lies_on_a_crowd_is_no_mistake() -> None:
    crowd = [*TRUTH, box(1, CAT, 200, iscrowd=1)]
    found = [CAT_FOUND, box(1, DOG, 100, score=0.9), box(1, CAT, 200, score=0.95)]
    assert set(lost(matched(crowd, found)).values()) == {0.0}


def test_nothing_found_and_nothing_to_find() -> None:
    assert lost(matched(TRUTH, []))["background"] == 0
    assert set(lost(matched([], [CAT_FOUND])).values()) == {0.0}
