"""What is kept of an evaluation beside its twelve numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from tests.umop.evaluation.test_coco_metrics import random_data
from umop.evaluation import Evaluation, coco_box_metrics, coco_result
from umop.evaluation import keep as keeping
from umop.evaluation.analysis import Analysis
from umop.evaluation.keep import write_evaluation
from umop.system.errors import UserError

CAT, DOG = 7, 3
"""Category ids, of which the second comes first in order."""


def box(image: int, category: int, left: float, **more: Any) -> dict[str, Any]:
    """A box of 20 × 20 pixels."""
    return {"image_id": image, "category_id": category, "bbox": [left, 10, 20, 20], **more}


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """Four images: a cat and a dog, two cats, a dog and a crowd of dogs, nothing."""
    boxes = [
        box(1, CAT, 0), box(1, DOG, 50),
        box(2, CAT, 0), box(2, CAT, 50),
        box(3, DOG, 0), box(3, DOG, 100, iscrowd=1),
    ]  # fmt: skip
    file = tmp_path / "val.json"
    images = [{"id": i, "file_name": f"{i}.png", "width": 200, "height": 40} for i in range(1, 5)]
    annotations = [
        {"id": number, "area": 400, "iscrowd": 0, **each} for number, each in enumerate(boxes, 1)
    ]
    categories = [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    file.write_text(json.dumps(content))
    return file


DETECTIONS = [
    box(1, CAT, 0, score=0.9), box(1, DOG, 50, score=0.9),  # both right
    box(2, CAT, 0, score=0.9), box(2, DOG, 50, score=0.9),  # the second is taken for a dog
    box(3, DOG, 100, score=0.9),  # a crowd does not count, and the other dog is missed
    box(4, CAT, 0, score=0.9), box(4, CAT, 90, score=0.001),  # nothing is there
]  # fmt: skip


def test_confusion_counts_pairs_misses_and_detections_of_nothing(truth: Path) -> None:
    analysis = Analysis.of(coco_result(truth, DETECTIONS))
    assert [each.name for each in analysis.classes] == ["dog", "cat"]
    assert analysis.confusion == [
        [1, 0, 1],  # dogs: one found, one missed
        [1, 2, 0],  # cats: one taken for a dog, two found
        [0, 1, 0],  # of nothing: a cat; what has a low score is left out
    ]


def test_images_are_ordered_by_what_is_right_and_wrong(truth: Path) -> None:
    analysis = Analysis.of(coco_result(truth, DETECTIONS))
    assert analysis.images == 4
    assert [each.file_name for each in analysis.best] == ["1.png", "2.png"]
    assert [each.file_name for each in analysis.worst] == ["4.png", "3.png"]
    first, second = analysis.best
    assert (first.f1, first.found, first.missed, first.wrong) == (1.0, 2, 0, 0)
    assert (second.f1, second.found, second.missed, second.wrong) == (0.5, 1, 1, 1)
    assert [each.is_right for each in second.truth] == [True, False]
    assert [(each.is_right, each.score) for each in second.detections] == [
        (True, 0.9),
        (False, 0.9),
    ]
    nothing, missed = analysis.worst
    assert (nothing.truth, len(nothing.detections)) == ([], 1)
    assert (len(missed.truth), missed.detections) == (1, [])


@pytest.mark.parametrize("seed", range(3))
def test_the_classes_ap_is_cocos(seed: int, tmp_path: Path) -> None:
    content, detections = random_data(seed, (20, 200))
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(content))
    result = coco_result(file, detections)
    classes = Analysis.of(result).classes
    measured = [each for each in classes if each.ap is not None]
    assert [each.boxes for each in classes if each.ap is None] == [0], "11 has no true box"
    for name, values in (
        ("AP", [each.ap for each in measured]),
        ("AP50", [each.ap50 for each in measured]),
        ("AP75", [each.ap75 for each in measured]),
    ):
        assert sum(filter(None, values)) / 3 == pytest.approx(result.metrics[name], abs=1e-4)
    for each in measured:
        assert sum(each.precision) / 101 == pytest.approx(each.ap50, abs=1e-4)


@pytest.mark.parametrize("detections", [[], [box(1, CAT, 150, score=0.4)]])
def test_a_model_that_finds_nothing_is_analysed(
    truth: Path, detections: list[dict[str, Any]]
) -> None:
    analysis = Analysis.of(coco_result(truth, detections))
    assert [each.ap for each in analysis.classes] == [0, 0]
    assert [row[-1] for row in analysis.confusion] == [2, 3, 0], "all are missed"
    assert analysis.best == []
    assert len(analysis.worst) == 1


def test_without_a_true_box_there_is_no_ap(truth: Path) -> None:
    truth.write_text(json.dumps({**json.loads(truth.read_text()), "annotations": []}))
    for detections in ([], DETECTIONS):
        analysis = Analysis.of(coco_result(truth, detections))
        assert [each.ap for each in analysis.classes] == [None, None]
        assert analysis.precision == {}


def kept(truth: Path, tmp_path: Path, detections: list[dict[str, Any]]) -> Path:
    """Keeps an evaluation as ``umop eval`` does."""
    dataset = {"data_root": "", "ann_file": str(truth)}
    config = Config({"test_dataloader": {"dataset": dataset}})
    checkpoint = tmp_path / "best.pth"
    checkpoint.write_bytes(b"weights")
    path = tmp_path / "kept" / "evaluation-tta.json"
    write_evaluation(path, coco_result(truth, detections), config, checkpoint)
    return path.parent


def test_what_is_kept_is_read_again(truth: Path, tmp_path: Path) -> None:
    folder = kept(truth, tmp_path, DETECTIONS)
    evaluation = Evaluation.read(folder / "evaluation-tta.json")
    assert evaluation is not None
    again = json.loads((folder / "detections-tta.json").read_text())
    assert again == DETECTIONS
    assert coco_box_metrics(truth, again) == evaluation.metrics
    analysis = Analysis.of(coco_result(truth, DETECTIONS))
    assert Analysis.read(folder / "analysis-tta.json") == analysis
    assert Analysis.read(folder / "analysis.json") is None


def test_the_best_detections_are_kept_of_too_many(
    truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keeping, "_MOST_DETECTIONS", 6)
    folder = kept(truth, tmp_path, DETECTIONS)
    scores = [each["score"] for each in json.loads((folder / "detections-tta.json").read_text())]
    assert scores == [0.9] * 6
    assert "Of 7 detections, the 6 best are kept." in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{}", "[]", "[1", '{"classes": [{}]}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "analysis.json"
    file.write_text(content)
    with pytest.raises(UserError, match="is not an analysis of this version"):
        Analysis.read(file)
