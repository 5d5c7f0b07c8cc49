"""Turns the model's candidates into detections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.bundle.schema import PostprocessSpec
from serving.inference.preprocess import Prepared
from serving.schemas.detections import Box, Detection
from serving.schemas.options import DetectOptions

_SIDES = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Detections:
    """What was found in one image, best first.

    Attributes:
        boxes: x1, y1, x2, y2 in the original image's pixels, float32, shape (n, 4).
        scores: In 0–1, float32, shape (n,).
        labels: Class indices, int64, shape (n,).
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


def select(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    image: Prepared,
    spec: PostprocessSpec,
    options: DetectOptions,
    class_ids: frozenset[int] | None,
    class_thresholds: NDArray[np.float32],
) -> Detections:
    """Turns one image's candidates into detections, in the order mmdet does.

    Args:
        boxes: x1, y1, x2, y2 in input pixels, shape (k, 4).
        scores: Shape (k,); 0 marks an empty row.
        labels: Shape (k,).
        image: The image they were found in.
        spec: How the bundle selects.
        options: The request's own.
        class_ids: Indices of the classes that it names; None for all.
        class_thresholds: The lowest score of each class, shape (classes,), where the request names
            none.
    """
    if options.score_threshold is None:
        threshold: float | NDArray[np.float32] = class_thresholds.take(labels, mode="clip")
    else:
        threshold = options.score_threshold
    wanted = _wanted(scores, labels, threshold, class_ids)
    order = wanted[np.argsort(-scores[wanted], kind="stable")]
    boxes, scores, labels = _inside(_to_original(boxes[order], image), scores[order], labels[order])
    limit = spec.max_detections if options.max_detections is None else options.max_detections
    kept = nms(boxes, labels, spec.iou_threshold, limit)
    return Detections(boxes[kept], scores[kept], labels[kept])


def name_detections(found: Detections, classes: Sequence[str]) -> list[Detection]:
    """Gives detections their classes' names, and rounds to what is meaningful."""
    return [
        Detection(
            label=classes[label],
            class_id=label,
            score=round(score, 5),
            box=Box(**{side: round(at, 3) for side, at in zip(_SIDES, box, strict=True)}),
        )
        for box, score, label in zip(
            found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


def nms(
    boxes: NDArray[np.float32], labels: NDArray[np.int64], iou_threshold: float, limit: int
) -> NDArray[np.int64]:
    """Greedy class-wise non-maximum suppression of boxes sorted by falling score.

    It stops once ``limit`` boxes are kept, so its cost grows with the boxes kept, not with all.

    Args:
        boxes: x1, y1, x2, y2, shape (n, 4), best first.
        labels: Class indices, shape (n,).
        iou_threshold: A box that overlaps a kept one of its class by more is dropped.
        limit: Most boxes to keep.

    Returns:
        Indices of the kept boxes, rising, shape (m,) with m ≤ limit.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    rest = np.arange(len(boxes))
    kept: list[int] = []
    while len(rest) and len(kept) < limit:
        best, rest = rest[0], rest[1:]
        kept.append(int(best))
        widths = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        heights = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        shared = np.maximum(widths, 0) * np.maximum(heights, 0)
        union = areas[best] + areas[rest] - shared
        overlaps = shared > iou_threshold * union
        rest = rest[~(overlaps & (labels[rest] == labels[best]))]
    return np.array(kept, np.int64)


def _wanted(
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    threshold: float | NDArray[np.float32],
    class_ids: frozenset[int] | None,
) -> NDArray[np.int64]:
    wanted = (scores > 0) & (scores >= threshold)
    if class_ids is not None:
        wanted &= np.isin(labels, list(class_ids))
    return np.flatnonzero(wanted)


def _to_original(boxes: NDArray[np.float32], image: Prepared) -> NDArray[np.float32]:
    height, width = image.pixels.shape[:2]
    limits = np.array([width, height, width, height], np.float32)
    scale = np.array([width / image.original.width, height / image.original.height] * 2, np.float32)
    return np.clip(boxes, 0, limits) / scale


def _inside(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Drops boxes that clipping left without area."""
    solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return boxes[solid], scores[solid], labels[solid]
