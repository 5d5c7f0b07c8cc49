"""Box AP as COCO defines it."""

from umop.evaluation.coco import METRICS, CocoResult, coco_box_metrics, coco_result
from umop.evaluation.metric import CocoBoxMetric, result_of
from umop.runs.evaluation import Evaluation

__all__ = [
    "METRICS",
    "CocoBoxMetric",
    "CocoResult",
    "Evaluation",
    "coco_box_metrics",
    "coco_result",
    "result_of",
]
