"""The evaluator that configs name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.registry import METRICS as REGISTRY

from umop.evaluation.coco import DETECTIONS, CocoResult, coco_result, most_detections
from umop.system.console import note


@REGISTRY.register_module()
class CocoBoxMetric(BaseMetric):
    """Box AP on a COCO data set, the twelve numbers of pycocotools.

    Args:
        ann_file: COCO JSON with the ground truth.

    Attributes:
        result: What the last evaluation found, on the main process; None once it is taken.
    """

    def __init__(self, ann_file: str) -> None:
        # "cpu" would exchange files in the working directory, which nodes do not share.
        super().__init__(collect_device="gpu")
        self.ann_file = Path(ann_file)
        self.result: CocoResult | None = None
        self._said = DETECTIONS

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keeps a batch's predictions: boxes xyxy in the original image's pixels."""
        for sample in data_samples:
            predicted = sample["pred_instances"]
            self.results.append(
                {
                    "image_id": sample["img_id"],
                    "boxes": predicted["bboxes"].cpu().tolist(),
                    "scores": predicted["scores"].cpu().tolist(),
                    "labels": predicted["labels"].cpu().tolist(),
                }
            )

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Computes the metrics of all images, on the main process."""
        self.result = coco_result(self.ann_file, self.detections(results))
        self._say_limit(most_detections(self.result.truth.anns.values()))
        return self.result.metrics

    def _say_limit(self, limit: int) -> None:
        """Says once how many detections count in an image, where they are more than COCO's."""
        if limit != self._said:
            note(
                f"note: an image has {limit // 2} objects of a class: up to {limit} detections of "
                f"it count in AP, in place of COCO's {DETECTIONS}."
            )
            self._said = limit

    def detections(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Turns predictions into COCO results."""
        categories = self.category_ids()
        return [
            {
                "image_id": result["image_id"],
                "category_id": categories[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
            }
            for result in results
            for (x1, y1, x2, y2), score, label in zip(
                result["boxes"], result["scores"], result["labels"], strict=True
            )
        ]

    def category_ids(self) -> list[int]:
        """COCO's category id of each label."""
        listed = json.loads(self.ann_file.read_text())["categories"]
        categories = {category["name"]: category["id"] for category in listed}
        return [categories[name] for name in self.dataset_meta["classes"]]


def result_of(evaluator: Evaluator) -> CocoResult | None:
    """Takes what an evaluator's :class:`CocoBoxMetric` found last, so that its memory gets free."""
    for metric in evaluator.metrics:
        if isinstance(metric, CocoBoxMetric):
            result, metric.result = metric.result, None
            return result
    return None
