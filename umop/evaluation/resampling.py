"""How sure AP is: it is computed again for data sets drawn from the images (bootstrap)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umop.evaluation.coco import IOUS, RECALLS
from umop.evaluation.matches import Floats, Ints, Matches

Weights = NDArray[np.int32]
_SAMPLES, _FEWEST_SAMPLES = 1000, 200
_MOST_WORK = 250_000_000
"""Of samples times detections, beyond which there are fewer samples."""
_MOST_NUMBERS = 4_000_000
"""Of one array: 32 MB or less."""


def average_precision(
    matches: Matches, weights: Weights, ious: Sequence[int] = range(len(IOUS))
) -> Floats:
    """COCO's AP of each class, where each image counts as often as its weight says.

    Args:
        matches: The detections and true boxes.
        weights: Of shape (samples, images).
        ious: Indices of those of :data:`umop.evaluation.coco.IOUS` that are wanted.

    Returns:
        Of shape (samples, IoUs, classes), from 0 to 1; NaN for a class without boxes.
    """
    return _average_precision(_curves(matches, ious), weights)


@dataclass(frozen=True)
class _Curve:
    """What one class's precision and recall at one IoU are counted from.

    Attributes:
        found: Of the class's detections that are right at any IoU, those that are at this one.
        image: The images of these.
        crowded: The images of those that lie on a crowd, and do not count.
        before: How many of the crowded come before each of the found.
    """

    found: Ints
    image: Ints
    crowded: Ints
    before: Ints

    def average_precision(self, weights: Weights, passed: Weights, boxes: Weights) -> Floats:
        """AP of each sample.

        Args:
            weights: Of shape (samples, images).
            passed: How many detections there are down to each that is right at any IoU.
            boxes: True boxes of each sample.
        """
        passed = passed[:, self.found]
        if len(self.crowded):
            ignored = weights[:, self.crowded].cumsum(1, np.int32)
            passed = passed - np.pad(ignored, ((0, 0), (1, 0)))[:, self.before]
        return _under_curve(weights[:, self.image].cumsum(1, np.int32), passed, boxes)


@dataclass(frozen=True)
class _Class:
    """A class's detections, the best first, without those below all that are right.

    Attributes:
        boxes: The images of its true boxes.
        image: The images of its detections.
        found: Places of those that are right at any IoU.
        curves: One for each IoU.
    """

    boxes: Ints
    image: Ints
    found: Ints
    curves: list[_Curve]

    @classmethod
    def of(cls, matches: Matches, label: int, ious: Sequence[int]) -> _Class:
        """Takes a class out of all detections.

        Args:
            matches: The detections and true boxes.
            label: Index of the class.
            ious: Indices of :data:`umop.evaluation.coco.IOUS`.
        """
        lines = np.flatnonzero(matches.label == label)
        places = np.flatnonzero(matches.found[lines])
        lines = lines[: places[-1] + 1] if len(places) else lines[:0]
        image, found, ignored = (
            part[lines] for part in (matches.image, matches.found, matches.ignored)
        )
        curves = []
        for iou in ious:
            right = np.flatnonzero(found[places] >> iou & 1)
            crowded = np.flatnonzero(ignored >> iou & 1)
            before = np.searchsorted(crowded, places[right])
            curves.append(_Curve(right, image[places[right]], image[crowded], before))
        return cls(matches.true_image[matches.true_label == label], image, places, curves)


def _curves(matches: Matches, ious: Sequence[int]) -> list[_Class]:
    return [_Class.of(matches, label, ious) for label in range(len(matches.classes))]


def _average_precision(classes: Sequence[_Class], weights: Weights) -> Floats:
    """Of shape (samples, IoUs, classes)."""
    result = np.full((len(weights), len(classes[0].curves), len(classes)), np.nan)
    for label, each in enumerate(classes):
        boxes = weights[:, each.boxes].sum(1)
        passed = weights[:, each.image].cumsum(1, np.int32)[:, each.found]
        for number, curve in enumerate(each.curves):
            value = curve.average_precision(weights, passed, boxes)
            result[:, number, label] = np.where(boxes > 0, value, np.nan)
    return result


def _under_curve(right: Weights, passed: Weights, boxes: Weights) -> Floats:
    """The mean precision at COCO's 101 recalls, at each of which the best to come counts.

    Args:
        right: At each detection that found a box, how many are right so far, (samples, found).
        passed: How many count so far.
        boxes: True boxes of each sample.
    """
    precision = right / np.maximum(passed, 1)
    best_to_come = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / np.maximum(boxes, 1)[:, None]
    reached = np.searchsorted(RECALLS, recall, "right")
    return (best_to_come * np.diff(reached, axis=1, prepend=0)).sum(1) / len(RECALLS)


def resampled(*several: Matches) -> list[Floats]:
    """AP of data sets as large as this one, whose images are drawn from it with replacement.

    Args:
        several: Detections of one or more models in the same images; each draw is of all.

    Returns:
        For each of ``several``, what :func:`average_precision` returns. Always the same.
    """
    detections = max(len(each.score) for each in several)
    samples = int(np.clip(_MOST_WORK // max(detections, 1), _FEWEST_SAMPLES, _SAMPLES))
    classes = [_curves(each, range(len(IOUS))) for each in several]
    parts = [
        [_average_precision(each, weights) for each in classes]
        for weights in _draws(several, samples)
    ]
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _draws(several: Sequence[Matches], samples: int) -> Iterator[Weights]:
    """How often each image is drawn, for some samples at a time."""
    images = several[0].images
    largest = max(np.bincount(each.label, minlength=1).max() for each in several)
    at_a_time = int(np.clip(_MOST_NUMBERS // max(images, largest, 1), 1, samples))
    random = np.random.default_rng(0)
    for first in range(0, samples, at_a_time):
        count = min(at_a_time, samples - first)
        yield random.multinomial(images, np.full(images, 1 / images), count).astype(np.int32)


def mean_of_classes(values: Floats) -> Floats:
    """AP of all classes: the mean of those that have boxes; NaN without any."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(-1)
    return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.nan)


def interval(values: Floats, confidence: float = 0.95) -> tuple[float, float] | None:
    """The middle part of resampled values, of shape (samples,); None where all are NaN."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
