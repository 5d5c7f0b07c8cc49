"""COCO's twelve numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from umop.evaluation import METRICS, CocoBoxMetric, coco_box_metrics


@pytest.fixture
def truth(discs: Path) -> list[dict[str, object]]:
    """The ground truth of the validation pictures, as perfect detections."""
    annotations = json.loads((discs / "val.json").read_text())["annotations"]
    keys = ("image_id", "category_id", "bbox")
    return [{**{key: item[key] for key in keys}, "score": 0.9} for item in annotations]


def test_perfect_detections_score_one(discs: Path, truth: list[dict[str, object]]) -> None:
    metrics = coco_box_metrics(discs / "val.json", truth)
    assert list(metrics) == list(METRICS)
    assert metrics["AP"] == pytest.approx(1.0)
    assert metrics["AR1"] == pytest.approx(0.25)
    assert metrics["APl"] == -1.0


def test_half_the_detections_score_half(discs: Path, truth: list[dict[str, object]]) -> None:
    metrics = coco_box_metrics(discs / "val.json", truth[::2])
    assert metrics["AP50"] == pytest.approx(0.505, abs=0.01)
    assert metrics["AR100"] == pytest.approx(0.5)


def test_no_detections_score_nothing(discs: Path) -> None:
    assert set(coco_box_metrics(discs / "val.json", []).values()) == {0.0}


def test_labels_become_the_data_sets_category_ids(tmp_path: Path) -> None:
    file = tmp_path / "val.json"
    categories = [{"id": 7, "name": "cell"}, {"id": 3, "name": "tree"}]
    file.write_text(json.dumps({"categories": categories}))
    metric = CocoBoxMetric(str(file))
    metric.dataset_meta = {"classes": ("tree", "cell")}
    result = {"image_id": 5, "boxes": [[1, 2, 4, 8]] * 2, "scores": [0.5, 0.4], "labels": [0, 1]}
    first, second = metric.detections([result])
    assert first == {"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 6], "score": 0.5}
    assert second["category_id"] == 7
