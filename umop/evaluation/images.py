"""The images on which a model is best and worst."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faster_coco_eval import COCO

from umop.evaluation.matching import CocoBox, Matched

_KEPT = 12
"""How many of the best and of the worst images are kept."""
DIGITS = 4


@dataclass(frozen=True)
class DrawnBox:
    """A box on an image.

    Attributes:
        label: Index of its class.
        box: xywh in pixels.
        is_right: Of a true box, whether it was found; of a detection, whether it is true.
        score: Of a detection; None for a true box.
    """

    label: int
    box: list[float]
    is_right: bool
    score: float | None = None


@dataclass(frozen=True)
class ImageResult:
    """How well the boxes of one image are found, at the analysis's score.

    Attributes:
        file_name: The image, as the annotations name it.
        f1: 2 × found / (true boxes + detections).
        found: True boxes with a detection of their class.
        missed: True boxes without.
        wrong: Detections without a true box of their class.
        truth: The true boxes.
        detections: The detections.
    """

    file_name: str
    f1: float
    found: int
    missed: int
    wrong: int
    truth: list[DrawnBox]
    detections: list[DrawnBox]

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ImageResult:
        """Reads what :func:`dataclasses.asdict` made of one."""
        boxes = {
            name: [DrawnBox(**each) for each in content[name]] for name in ("truth", "detections")
        }
        return cls(**{**content, **boxes})


@dataclass(frozen=True)
class _Tally:
    """What is right and wrong on one image.

    Attributes:
        image: Its id.
        found: True boxes with a detection of their class.
        missed: True boxes without.
        wrong: Detections without a true box of their class.
    """

    image: int
    found: int
    missed: int
    wrong: int

    @property
    def f1(self) -> float:
        """2 × found / (true boxes + detections), from 0 to 1."""
        return 2 * self.found / (2 * self.found + self.missed + self.wrong)

    def order(self) -> tuple[float, int, int, int]:
        """Sorts the best first; of equal F1, that with fewer mistakes, then with more found."""
        return -self.f1, self.missed + self.wrong, -self.found, self.image


def tallies(matched: Matched) -> list[_Tally]:
    """Counts what is right and wrong on each image that has a true box or a detection."""
    boxes = Counter(each["image_id"] for each in matched.truth.values())
    detections = Counter(each["image_id"] for each in matched.detections.values())
    found = Counter(matched.truth[box]["image_id"] for box in _right_pairs(matched).values())
    return [
        _Tally(image, found[image], boxes[image] - found[image], detections[image] - found[image])
        for image in sorted(boxes.keys() | detections.keys())
    ]


def _right_pairs(matched: Matched) -> dict[int, int]:
    """The pairs of detection and true box that are of the same class."""
    return {
        detection: box
        for detection, box in matched.pairs.items()
        if matched.detections[detection]["category_id"] == matched.truth[box]["category_id"]
    }


def best_and_worst(listed: Sequence[_Tally]) -> tuple[list[_Tally], list[_Tally]]:
    """The best images, the best first, and the worst, the worst first; none is in both."""
    ordered = sorted(listed, key=_Tally.order)
    half = (len(ordered) + 1) // 2
    best = [each for each in ordered[: min(half, _KEPT)] if each.found]
    worst = [each for each in ordered[half:][-_KEPT:] if each.f1 < 1]
    return best, worst[::-1]


def draw(
    listed: Sequence[_Tally], matched: Matched, labels: dict[int, int], truth: COCO
) -> list[ImageResult]:
    """Some images with their boxes.

    Args:
        listed: The tallies of those images, in the order of the result.
        matched: The true boxes and detections of the whole data set, paired.
        labels: Index of each class, by category id.
        truth: The annotations, which name the images' files.
    """
    right = _right_pairs(matched)
    found = set(right.values())
    boxes, detections = (
        _by_image(each, {tally.image for tally in listed})
        for each in (matched.truth, matched.detections)
    )
    return [
        ImageResult(
            file_name=truth.imgs[tally.image]["file_name"],
            f1=round(tally.f1, DIGITS),
            found=tally.found,
            missed=tally.missed,
            wrong=tally.wrong,
            truth=[_drawn(each, labels, each["id"] in found) for each in boxes[tally.image]],
            detections=[
                _drawn(each, labels, each["id"] in right) for each in detections[tally.image]
            ],
        )
        for tally in listed
    ]


def _by_image(boxes: dict[int, CocoBox], images: set[int]) -> defaultdict[int, list[CocoBox]]:
    """Groups the boxes of some images."""
    groups: defaultdict[int, list[CocoBox]] = defaultdict(list)
    for each in boxes.values():
        if each["image_id"] in images:
            groups[each["image_id"]].append(each)
    return groups


def _drawn(box: CocoBox, labels: dict[int, int], is_right: bool) -> DrawnBox:
    """A box as the analysis keeps it."""
    corners = [round(value, 1) for value in box["bbox"]]
    score = round(box["score"], DIGITS) if "score" in box else None
    return DrawnBox(labels[box["category_id"]], corners, is_right, score)
