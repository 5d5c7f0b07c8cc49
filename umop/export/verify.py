"""Checks that a bundle finds what mmdet finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.apis import inference_detector
from numpy.typing import NDArray

from serving.shared import (
    MOST_MERGED,
    Detections,
    DetectOptions,
    Detector,
    EngineName,
    Size,
    TileSpec,
    merge,
    moved,
    windows,
)
from umop.data.images import read_bgr
from umop.system.errors import UserError

_BOX_TOLERANCE = 1e-3
_SCORE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Deviation:
    """The largest differences between two models' detections.

    Attributes:
        images: Images compared.
        detections: Detections compared.
        box: Largest difference of a box's side, in pixels.
        score: Largest difference of a score.
    """

    images: int
    detections: int
    box: float
    score: float


def verify(model: Any, bundle: Path, images: Sequence[Path], engine: EngineName) -> Deviation:
    """Compares a bundle with mmdet's own prediction.

    Args:
        model: mmdet's detector, with its config as ``model.cfg``.
        bundle: The bundle.
        images: Real images.
        engine: What runs the bundle's network.

    Returns:
        The largest differences.

    Raises:
        UserError: They differ by more than 1e-3 px or 1e-4 of score, or a detection that one
            has is missing from the other.
    """
    detector = Detector.load(bundle, engine=engine, trust_program=True)  # made just now
    limits = detector.manifest.postprocess
    threshold = limits.candidate_threshold
    differences = []
    for path in images:
        pixels = read_bgr(path)
        expected = _predicted(model, pixels, detector.manifest.tiles)
        [found] = detector.detect([pixels[..., ::-1]], [DetectOptions(score_threshold=threshold)])
        full = len(expected.scores) >= limits.max_detections
        lowest = max(threshold, float(expected.scores.min())) if full else threshold
        differences.append(_compare(expected, found, lowest, path.name))
    return Deviation(
        images=len(images),
        detections=sum(difference.detections for difference in differences),
        box=max(difference.box for difference in differences),
        score=max(difference.score for difference in differences),
    )


def _predicted(model: Any, pixels: NDArray[np.uint8], tiles: TileSpec | None) -> Detections:
    """mmdet's prediction for an image, or what it predicts for its windows, merged."""
    size = Size(width=pixels.shape[1], height=pixels.shape[0])
    seen = windows(size, tiles) if tiles else []
    if tiles is None or len(seen) == 1:
        return _predicted_by_mmdet(model, pixels)
    found = [
        moved(
            _predicted_by_mmdet(
                model, pixels[window.top : window.bottom, window.left : window.right]
            ),
            window,
        )
        for window in seen
    ]
    return merge(found, seen, size, tiles, MOST_MERGED)


def _predicted_by_mmdet(model: Any, pixels: NDArray[np.uint8]) -> Detections:
    """mmdet's own prediction for one image, BGR, uint8 of shape (H, W, 3)."""
    instances = inference_detector(model, pixels).pred_instances.cpu().numpy()
    return Detections(instances.bboxes, instances.scores, instances.labels)


def _compare(expected: Detections, found: Detections, lowest: float, name: str) -> Deviation:
    """Compares two sets of detections in one image.

    Detections closer to the lowest score than the tolerance may be in one set only: rounding
    decides there.

    Args:
        expected: mmdet's.
        found: The bundle's.
        lowest: The threshold, or the last score where there are as many as there may be.
        name: The image's.

    Raises:
        UserError: They differ.
    """
    surely = lowest + 2 * _SCORE_TOLERANCE
    pairs = [
        *_matches(expected, found, expected.scores >= surely),
        *_matches(found, expected, found.scores >= surely),
    ]
    difference = Deviation(
        images=1,
        detections=int((expected.scores >= surely).sum()),
        box=max((box for box, _ in pairs), default=0.0),
        score=max((score for _, score in pairs), default=0.0),
    )
    if difference.box > _BOX_TOLERANCE or difference.score > _SCORE_TOLERANCE:
        raise UserError(
            f"The bundle does not find what the checkpoint finds in {name}: boxes differ by up to "
            f"{difference.box:.2g} px (allowed: {_BOX_TOLERANCE}), scores by up to "
            f"{difference.score:.2g} (allowed: {_SCORE_TOLERANCE}). The bundle was not kept."
        )
    return difference


def _matches(
    detections: Detections, others: Detections, compared: NDArray[np.bool_]
) -> list[tuple[float, float]]:
    """For each compared detection, how far the nearest other of its class is.

    Returns:
        Pairs of the difference in pixels and in score; infinite where there is no other.
    """
    found = []
    for box, score, label in zip(
        detections.boxes[compared],
        detections.scores[compared],
        detections.labels[compared],
        strict=True,
    ):
        same = others.labels == label
        if not same.any():
            found.append((np.inf, np.inf))
            continue
        distances = np.abs(others.boxes[same] - box).max(axis=1)
        nearest = int(distances.argmin())
        gap = abs(float(others.scores[same][nearest]) - float(score))
        found.append((float(distances[nearest]), gap))
    return found
