"""COCO's twelve numbers."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from umop.evaluation import METRICS, CocoBoxMetric, coco_box_metrics
from umop.evaluation.coco import coco_result


@pytest.fixture
def truth(discs: Path) -> list[dict[str, object]]:
    """The ground truth of the validation images, as perfect detections."""
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
    result = coco_result(discs / "val.json", [])
    assert result.detections == []
    assert {name for name, value in result.metrics.items() if value == -1} == {"APl", "ARl"}
    assert set(result.metrics.values()) == {-1, 0}
    assert set(result.precision.ravel()) == {0}


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


def random_data(seed: int, sides: tuple[float, float]) -> tuple[dict[str, Any], list[Any]]:
    """Ground truth with crowds, and detections near it, elsewhere, and with equal scores."""
    random = np.random.default_rng(seed)
    size = {"width": 640, "height": 480}
    images = [{"id": 3 * place + 1, "file_name": f"{place}.png", **size} for place in range(30)]
    categories = [{"id": number, "name": str(number)} for number in (2, 5, 7, 11)]
    annotations: list[dict[str, Any]] = []
    detections: list[dict[str, Any]] = []
    for image in images:
        for _ in range(random.integers(0, 12)):
            width, height = np.exp(random.uniform(*np.log(sides), 2))
            box = np.array([*random.uniform(0, 400, 2), width, height])
            where = {"image_id": image["id"], "category_id": int(random.choice([2, 5, 7]))}
            annotations.append(
                {
                    **where,
                    "id": len(annotations) + 1,
                    "bbox": box.tolist(),
                    "area": width * height,
                    "iscrowd": int(random.random() < 0.1),
                }
            )
            for _ in range(random.integers(0, 14)):
                moved = np.maximum(box + random.normal(0, 0.1 * width, 4), 1)
                score = round(random.random(), 1)
                detections.append({**where, "bbox": moved.tolist(), "score": score})
        for _ in range(random.integers(0, 90)):
            elsewhere = random.uniform(1, 300, 4).tolist()
            where = {"image_id": image["id"], "category_id": int(random.choice([2, 5, 7, 11]))}
            detections.append({**where, "bbox": elsewhere, "score": random.random()})
    truth = {"images": images, "annotations": annotations, "categories": categories}
    return truth, detections


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sides", [(4, 300), (40, 90), (2, 20)])
def test_the_numbers_are_those_of_pycocotools(
    seed: int, sides: tuple[float, float], tmp_path: Path
) -> None:
    truth, detections = random_data(seed, sides)
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(truth))
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(file))
        evaluation = COCOeval(reference, reference.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    before = json.dumps(detections)
    metrics = coco_box_metrics(file, detections)
    assert list(metrics.values()) == pytest.approx(evaluation.stats.tolist(), abs=1e-12)
    assert 0 < metrics["AP"] < 1
    assert json.dumps(detections) == before


def test_more_detections_count_where_an_image_has_more_objects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = [[10 * (i % 20), 10 * (i // 20), 8, 8] for i in range(240)]
    file = tmp_path / "val.json"
    annotations = [
        {"id": i + 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 64, "iscrowd": 0}
        for i, box in enumerate(boxes)
    ]
    image = {"id": 1, "width": 200, "height": 200, "file_name": "a.png"}
    content = {"images": [image], "annotations": annotations}
    file.write_text(json.dumps({**content, "categories": [{"id": 1, "name": "tree"}]}))
    metric = CocoBoxMetric(str(file))
    metric.dataset_meta = {"classes": ("tree",)}
    corners = [[left, top, left + 8, top + 8] for left, top, *_ in boxes]
    found = {"image_id": 1, "boxes": corners, "scores": [0.5] * 240, "labels": [0] * 240}
    for _ in range(2):
        assert metric.compute_metrics([found])["AP"] == pytest.approx(1)
    said = capsys.readouterr().err
    assert said.count("240 objects of a class: up to 480 detections of it count in AP") == 1


def test_a_box_with_the_id_0_can_be_found(
    discs: Path, truth: list[dict[str, object]], tmp_path: Path
) -> None:
    content = json.loads((discs / "val.json").read_text())
    for number, box in enumerate(content["annotations"]):
        box["id"] = number
    (tmp_path / "val.json").write_text(json.dumps(content))
    metrics = coco_box_metrics(tmp_path / "val.json", truth)
    assert metrics == coco_box_metrics(discs / "val.json", truth)
