"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np

from umop.evaluation.matching import Matched


def confusion_matrix(matched: Matched, labels: dict[int, int]) -> list[list[int]]:
    """Counts true boxes and detections by their classes.

    Args:
        matched: The boxes.
        labels: Index of each category.

    Returns:
        Rows of true classes, columns of detected ones. The last row counts detections of nothing,
        the last column true boxes that were missed.
    """
    counts = np.zeros((len(labels) + 1, len(labels) + 1), np.int64)
    for detection, box in matched.pairs.items():
        true = labels[matched.truth[box]["category_id"]]
        counts[true, labels[matched.detections[detection]["category_id"]]] += 1
    for detection in matched.detections.keys() - matched.pairs.keys():
        counts[-1, labels[matched.detections[detection]["category_id"]]] += 1
    for box in matched.truth.keys() - set(matched.pairs.values()):
        counts[labels[matched.truth[box]["category_id"]], -1] += 1
    return counts.tolist()
