"""Box AP as COCO defines it."""

from umop.evaluation.coco import METRICS, coco_box_metrics
from umop.evaluation.metric import CocoBoxMetric
from umop.evaluation.record import Evaluation

__all__ = ["METRICS", "CocoBoxMetric", "Evaluation", "coco_box_metrics"]
