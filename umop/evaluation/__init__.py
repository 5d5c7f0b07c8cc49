"""Box AP as COCO defines it."""

from umop.evaluation.coco import METRICS, coco_box_metrics
from umop.evaluation.metric import CocoBoxMetric

__all__ = ["METRICS", "CocoBoxMetric", "coco_box_metrics"]
