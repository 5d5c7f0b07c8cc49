"""How sure AP is: it is computed again for data sets drawn from the images (bootstrap)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from umop.evaluation.coco import IOUS, RECALLS
from umop.evaluation.matches import Floats, Ints, Matches

SAMPLES = 1000
_MOST_NUMBERS = 4_000_000
"""Of one array: 32 MB."""


def average_precision(matches: Matches, weights: NDArray[np.int64]) -> Floats:
    """COCO's AP of each class, where each image counts as often as its weight says.

    Args:
        matches: The detections and true boxes.
        weights: Of shape (samples, images).

    Returns:
        Of shape (samples, IoUs, classes), from 0 to 1; NaN for a class without boxes.
    """
    result = np.full((len(weights), len(IOUS), len(matches.classes)), np.nan)
    for label in range(len(matches.classes)):
        boxes = weights[:, matches.true_image[matches.true_label == label]].sum(1)
        lines = _up_to_the_last_found(matches, label)
        counted = weights[:, matches.image[lines]].cumsum(1)
        for number in range(len(IOUS)):
            found, counts = (each[lines] for each in matches.at(number))
            passed = counted
            if not counts.all():
                passed = counted - (weights[:, matches.image[lines]] * ~counts).cumsum(1)
            right = weights[:, matches.image[lines[found]]].cumsum(1)
            value = _under_curve(right, passed[:, found], boxes)
            result[:, number, label] = np.where(boxes > 0, value, np.nan)
    return result


def _up_to_the_last_found(matches: Matches, label: int) -> Ints:
    """A class's detections, the best first, without those below all that found something."""
    lines = np.flatnonzero(matches.label == label)
    found = np.flatnonzero(matches.found[lines])
    return lines[: found[-1] + 1] if len(found) else lines[:0]


def _under_curve(right: NDArray[np.int64], passed: NDArray[np.int64], boxes: Ints) -> Floats:
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


def resampled(several: Sequence[Matches], samples: int = SAMPLES) -> list[Floats]:
    """AP of data sets as large as this one, whose images are drawn from it with replacement.

    Args:
        several: Detections of one or more models in the same images; each draw is of all.
        samples: How many are drawn.

    Returns:
        For each of ``several``, what :func:`average_precision` returns. Always the same.
    """
    parts = [
        [average_precision(each, weights) for each in several]
        for weights in _draws(several, samples)
    ]
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _draws(several: Sequence[Matches], samples: int) -> Iterator[NDArray[np.int64]]:
    """How often each image is drawn, for some samples at a time."""
    images = several[0].images
    largest = max(np.bincount(each.label, minlength=1).max() for each in several)
    at_a_time = int(np.clip(_MOST_NUMBERS // max(images, largest, 1), 1, samples))
    random = np.random.default_rng(0)
    for first in range(0, samples, at_a_time):
        count = min(at_a_time, samples - first)
        yield random.multinomial(images, np.full(images, 1 / images), count)


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
