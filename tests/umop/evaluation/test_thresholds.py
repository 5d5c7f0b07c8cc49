"""The scores that are chosen."""

from __future__ import annotations

import pytest

from tests.umop.evaluation.boxes import CAT, DOG, Box, box, matched
from umop.evaluation.thresholds import ByScore, thresholds
from umop.system.errors import UserError

TWO = [box(1, CAT, 0), box(1, CAT, 100)]
"""The true boxes of the cases below."""


def row(*found: tuple[float, float]) -> list[Box]:
    """Detections of cats: left side and score."""
    return [box(1, CAT, left, score) for left, score in found]


@pytest.mark.parametrize(
    ("found", "best", "why"),
    [
        # F1 is 2·2/(3+2) up to 0.50, 2·1/(2+2) up to 0.60, 2·1/(1+2) up to 0.90.
        (row((0, 0.9), (50, 0.6), (100, 0.5)), 0.26, "all but the middle one are right"),
        # 2·2/(4+2) up to 0.30, 2·2/(2+2) up to 0.80, 2·1/(1+2) up to 0.90.
        (row((0, 0.9), (100, 0.8), (50, 0.3), (150, 0.3)), 0.56, "the right ones are the best"),
        # The second on the same box is wrong: 2·1/(2+2) up to 0.70, 2·1/(1+2) up to 0.90.
        (row((0, 0.9), (0, 0.7)), 0.81, "a box is found once"),
    ],
)
def test_the_best_f1_in_the_middle_of_the_scores_that_have_it(
    found: list[Box], best: float, why: str
) -> None:
    assert ByScore.of(matched(TWO, found)).best() == best, why


def test_precision_recall_and_f1_by_score() -> None:
    curve = ByScore.of(matched(TWO, row((0, 0.9), (50, 0.6), (100, 0.5))))
    at = {score: round(100 * score) - 1 for score in (0.5, 0.6, 0.9, 0.91)}
    assert [curve.precision[each] for each in at.values()] == [2 / 3, 1 / 2, 1, 0]
    assert [curve.recall[each] for each in at.values()] == [1, 1 / 2, 1 / 2, 0]
    assert [curve.f1[each] for each in at.values()] == [4 / 5, 1 / 2, 2 / 3, 0]


def test_the_lowest_score_that_reaches_a_precision() -> None:
    curve = ByScore.of(matched(TWO, row((0, 0.9), (50, 0.6), (100, 0.5))))
    assert [curve.reaching(each) for each in (0.5, 0.66, 0.67, 1.0)] == [0.01, 0.01, 0.61, 0.61]


def test_a_crowd_counts_neither_way() -> None:
    truth = [*TWO, box(1, CAT, 200, iscrowd=1)]
    curve = ByScore.of(matched(truth, row((0, 0.9), (100, 0.8), (200, 0.7))))
    assert curve.precision[0] == curve.recall[0] == 1


def test_a_class_with_enough_boxes_has_its_own() -> None:
    cats = [box(i, CAT, 0) for i in range(1, 21)]
    dogs = [box(i, DOG, 100) for i in range(1, 20)]
    found = [{**each, "score": 0.9} for each in cats] + [{**each, "score": 0.3} for each in dogs]
    chosen = thresholds(matched([*cats, *dogs], found, images=20))
    assert chosen is not None
    assert (chosen.score, chosen.classes) == (0.16, {"cat": 0.46})
    assert (chosen.of("cat"), chosen.of("dog")) == (0.46, 0.16)


def test_a_class_that_does_not_reach_the_precision_comes_as_close_as_it_can(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cats = [box(i, CAT, 0) for i in range(1, 41)]
    dogs = [box(i, DOG, 100) for i in range(1, 21)]
    found = [
        *({**each, "score": 0.9} for each in cats),
        *({**each, "score": 0.8} for each in dogs),
        *(box(i, DOG, 200, score=0.9) for i in range(1, 3)),
    ]
    chosen = thresholds(matched([*cats, *dogs], found, images=40), 0.95)
    assert chosen is not None
    assert (chosen.score, chosen.classes, chosen.precision) == (
        0.01,
        {"cat": 0.01, "dog": 0.01},
        0.95,
    )
    assert "'dog' does not reach a precision of 0.95 at any score; it takes 0.01, with 0.909" in (
        capsys.readouterr().err
    )


def test_a_precision_that_no_score_reaches_is_refused() -> None:
    found = row((0, 0.5), (50, 0.9))
    with pytest.raises(UserError, match=r"the highest is 0\.500, from a score of 0\.01"):
        thresholds(matched(TWO, found), 0.95)


@pytest.mark.parametrize("precision", [None, 0.95])
def test_without_anything_right_there_is_no_threshold(precision: float | None) -> None:
    assert thresholds(matched(TWO, []), precision) is None
    assert thresholds(matched(TWO, row((50, 0.9))), precision) is None
