"""Labels that a model suspects, and how."""

from __future__ import annotations

from typing import Any

import pytest

from umop.evaluation.suspects import Suspect, find_suspects

CELL, GAP = 40, 60
CLASSES = ("cat", "dog")


def box(place: int, label: str = "cat", shift: float = 0.0, **more: Any) -> dict[str, Any]:
    """A box in one of the places of a row, moved by a part of its side."""
    corner = [place * (CELL + GAP) + shift * CELL, 10.0, CELL, CELL]
    return {"image_id": 1, "category_id": CLASSES.index(label) + 1, "bbox": corner, **more}


def suspects(labels: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[Suspect]:
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"id": number, **each} for number, each in enumerate(labels, start=1)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(CLASSES, start=1)],
    }
    return find_suspects(content, found, "train")


SOUND = [box(place) for place in range(9)]
FOUND = [box(place, score=0.9) for place in range(9)]


def test_labels_that_are_found_are_not_suspected() -> None:
    assert suspects(SOUND, FOUND) == []


def test_an_object_without_a_label_is_missing() -> None:
    [found] = suspects(SOUND[1:], FOUND)
    assert (found.kind, found.label, found.box) == ("missing", None, None)
    assert found.score == pytest.approx(0.9 * 8 / 9, abs=1e-4), (
        "of nine such detections eight are labels"
    )
    assert (found.found, found.found_box, found.sureness) == ("cat", (0, 10, 40, 50), 0.9)


def test_a_label_where_nothing_is_found_is_surplus() -> None:
    [found] = suspects(SOUND, FOUND[1:])
    assert (found.kind, found.label, found.box) == ("surplus", "cat", (0, 10, 40, 50))
    assert (found.found, found.found_box) == (None, None)
    assert found.score == pytest.approx(8 / 9, abs=1e-4), "of nine such labels eight are found"


def test_a_class_that_the_model_has_not_learned_is_not_suspected() -> None:
    dogs = [box(place, "dog") for place in range(9, 15)]
    assert suspects([*SOUND, *dogs], [*FOUND, box(9, "dog", score=0.2)]) == []


def test_a_class_that_is_mostly_left_unlabelled_is_hardly_suspected() -> None:
    dogs = [box(place, "dog", score=0.95) for place in range(9, 13)]
    [cat, *others] = suspects([*SOUND[1:], box(9, "dog")], [*FOUND, *dogs])
    assert cat.found == "cat"
    assert [each.score for each in others] == pytest.approx([0.95 / 4] * 3, abs=1e-4)


def test_another_class_is_found() -> None:
    [found] = suspects([*SOUND[1:], box(0, "dog")], FOUND)
    assert (found.kind, found.label, found.found) == ("class", "dog", "cat")
    assert found.score == pytest.approx(8 / 9, abs=1e-4)


def test_a_class_that_is_found_as_well_counts_for_the_label() -> None:
    usual = [box(9, "dog", score=0.9), *FOUND]
    labels = [*SOUND[1:], box(0, "dog"), box(9, "dog")]
    [alone] = suspects(labels, usual)
    [both] = suspects(labels, [box(0, "dog", score=0.3), *usual])
    assert (alone.kind, both.kind) == ("class", "class")
    assert 0.25 < both.score < alone.score


def test_a_label_beside_its_object_is_one_suspect() -> None:
    [found] = suspects([*SOUND[1:], box(0, shift=0.6)], FOUND)
    assert (found.kind, found.box) == ("imprecise", (24, 10, 64, 50))
    assert found.found_box == (0, 10, 40, 50)


def test_a_detection_of_one_label_contradicts_no_other() -> None:
    near = [box(0), box(0, "dog", shift=0.3)]
    found = [box(0, score=0.9), box(0, "dog", shift=0.3, score=0.8)]
    assert suspects(near, found) == []


def test_what_lies_on_crowds_is_not_suspected() -> None:
    assert suspects([*SOUND[1:], box(0, iscrowd=1)], FOUND) == []


def test_the_most_suspected_is_first() -> None:
    more = [box(place, score=place / 20) for place in range(9, 12)]
    found = suspects(SOUND, [*FOUND, *more])
    assert [each.sureness for each in found] == [0.55, 0.5, 0.45]
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_nothing_is_suspected_where_nothing_is() -> None:
    assert suspects([], []) == []
