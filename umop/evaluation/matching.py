"""Which detection found which true box, whatever their classes."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from umop.evaluation.coco import loaded

_IOU = 0.5
_MOST = 10_000
"""More detections than any image has."""

CocoBox = dict[str, Any]
"""An annotation or a result in COCO's form."""


@dataclass(frozen=True)
class Matched:
    """True boxes and detections of a data set, paired.

    Crowds, and detections on them, are left out.

    Attributes:
        truth: The true boxes, by id.
        detections: The detections, by id.
        pairs: The true box that each of the detections found, by their ids.
    """

    truth: dict[int, CocoBox]
    detections: dict[int, CocoBox]
    pairs: dict[int, int]


def match(truth: COCO, detections: Sequence[CocoBox]) -> Matched:
    """Pairs detections with true boxes as COCO does, but regardless of the class.

    The best detections choose first, each the free true box that it overlaps most, with an IoU of
    at least :data:`_IOU`.

    Args:
        truth: The true boxes.
        detections: COCO results.
    """
    boxes = {each["id"]: each for each in truth.dataset["annotations"]}
    crowds = {id for id, each in boxes.items() if each.get("iscrowd")}
    boxes = {id: each for id, each in boxes.items() if id not in crowds}
    if not detections:
        return Matched(boxes, {}, {})
    with contextlib.redirect_stdout(io.StringIO()):
        found = loaded(truth, detections)
        pairs = _pairs_of(truth, found)
    on_crowds = {id for id, box in pairs.items() if box in crowds}
    return Matched(
        truth=boxes,
        detections={id: each for id, each in found.anns.items() if id not in on_crowds},
        pairs={id: box for id, box in pairs.items() if id not in on_crowds},
    )


def _pairs_of(truth: COCO, found: COCO) -> dict[int, int]:
    """The true box of each detection that has one, by their ids."""
    evaluation = COCOeval_faster(truth, found, "bbox", extra_calc=True)
    evaluation.params.useCats = 0
    evaluation.params.iouThrs = np.array([_IOU])
    evaluation.params.maxDets = [_MOST]
    evaluation.params.areaRng = [[0, 1e10]]
    evaluation.params.areaRngLbl = ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    keys = (key.split("_") for key in evaluation.eval["matched"])
    return {int(detection): int(box) for detection, box in keys}
