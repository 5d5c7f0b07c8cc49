"""Labels and detections of images, paired, and what is usual for their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval.core import mask
from numpy.typing import NDArray

FOUND = 0.5
"""The IoU from which a detection is of a label."""
_Boxes = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PairedImage:
    """An image's labels, and what was found in it, the best first.

    Attributes:
        split: What it is for.
        image: Its file.
        labels: Their xywh, float64 of shape (labels, 4).
        classes: Their category ids.
        found: The detections' xywh.
        found_classes: Their category ids.
        scores: Of the detections, from 0 to 1.
        iou: Float64 of shape (detections, labels).
        own: For each detection the label that it is of; −1 where there is none.
    """

    split: str
    image: str
    labels: _Boxes
    classes: _Ints
    found: _Boxes
    found_classes: _Ints
    scores: NDArray[np.float64]
    iou: NDArray[np.float64]
    own: _Ints

    @classmethod
    def of(
        cls,
        split: str,
        image: str,
        labels: list[Mapping[str, Any]],
        found: list[Mapping[str, Any]],
    ) -> PairedImage:
        """Pairs detections with labels of their class, the best detections first.

        Args:
            split: What the image is for.
            image: Its file.
            labels: Its annotations, of which crowds are left out.
            found: COCO results in it; those on crowds are left out.
        """
        crowds = _xywh([each for each in labels if each.get("iscrowd")])
        labels = [each for each in labels if not each.get("iscrowd")]
        found = sorted(found, key=lambda each: -each["score"])
        on_crowd = _overlaps(_xywh(found), crowds, is_crowd=True).max(1, initial=0)
        found = [found[row] for row in np.flatnonzero(on_crowd < FOUND).tolist()]
        iou = _overlaps(_xywh(found), _xywh(labels))
        classes, found_classes = (
            np.array([each["category_id"] for each in boxes], np.int64) for boxes in (labels, found)
        )
        return cls(
            split=split,
            image=image,
            labels=_xywh(labels),
            classes=classes,
            found=_xywh(found),
            found_classes=found_classes,
            scores=np.array([each["score"] for each in found], np.float64),
            iou=iou,
            own=_pairs(np.where(found_classes[:, None] == classes, iou, 0)),
        )

    def support(self) -> NDArray[np.float64]:
        """The score of the best detection of each label and its class, 0 where there is none."""
        is_own = (self.found_classes[:, None] == self.classes) & (self.iou >= FOUND)
        best: NDArray[np.float64] = np.where(is_own, self.scores[:, None], 0.0).max(0, initial=0)
        return best


@dataclass(frozen=True)
class ClassStatistics:
    """What is usual for a class.

    Attributes:
        name: Its name.
        support: The mean support of its labels.
        found: The share of its labels that are found.
        scores: Of its detections, the best first.
        labelled: For each of them, which share of those at least as sure is of a label; never less
            than for a less sure one.
    """

    name: str
    support: float
    found: float
    scores: NDArray[np.float64]
    labelled: NDArray[np.float64]

    @classmethod
    def of(cls, number: int, name: str, images: Sequence[PairedImage]) -> ClassStatistics:
        """Measures a class in all images.

        Args:
            number: Its category id.
            name: Its name.
            images: All images.
        """
        support = _joined([each.support()[each.classes == number] for each in images])
        scores = _joined([each.scores[each.found_classes == number] for each in images])
        is_labelled = _joined([each.own[each.found_classes == number] >= 0 for each in images])
        order = np.argsort(-scores, kind="stable")
        share = is_labelled[order].cumsum() / np.arange(1, len(order) + 1)
        return cls(
            name=name,
            support=float(support.mean()) if len(support) else 0.0,
            found=float((support > 0).mean()) if len(support) else 0.0,
            scores=scores[order],
            labelled=np.maximum.accumulate(share[::-1])[::-1],
        )

    def worth(self, score: float) -> float:
        """What a detection of a score counts for, from 0 to 1."""
        last = int(np.searchsorted(-self.scores, -score, "right")) - 1
        return float(self.labelled[last])

    def relative(self, support: float) -> float:
        """A label's support as a share of the usual one, at most 1."""
        return min(1.0, support / self.support) if self.support else 0.0


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *parts])


def _xywh(boxes: Sequence[Mapping[str, Any]]) -> _Boxes:
    """The xywh of boxes, float64 of shape (N, 4)."""
    return np.array([each["bbox"] for each in boxes], np.float64).reshape(-1, 4)


def _overlaps(found: _Boxes, labels: _Boxes, is_crowd: bool = False) -> NDArray[np.float64]:
    """IoU, float64 of shape (found, labels); of crowds the part of the detection."""
    if not len(found) or not len(labels):
        return np.zeros((len(found), len(labels)))
    return np.asarray(mask.iou(found, labels, [is_crowd] * len(labels)), np.float64)


def _pairs(iou: NDArray[np.float64]) -> _Ints:
    """The label of each detection, which choose in turn the free one that they overlap most."""
    left = iou.copy()
    own = np.full(len(iou), -1)
    for row in range(len(iou) if iou.shape[1] else 0):
        label = int(left[row].argmax())
        if left[row, label] >= FOUND:
            own[row], left[:, label] = label, 0
    return own
