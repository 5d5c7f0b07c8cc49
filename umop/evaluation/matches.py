"""Every detection of a data set and what it found, as arrays.

COCO's evaluation keeps only sums. Resampling the images, another score and asking what AP would be
without a kind of error all need each detection, but match it with the true boxes only once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval.core import mask
from numpy.typing import NDArray

from umop.evaluation.coco import IOUS, most_detections

_NONE = -1

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Overlaps:
    """The true box that each detection overlaps most, among some of them.

    Attributes:
        iou: 0 where there is none.
        box: Its index; −1 where there is none.
    """

    iou: Floats
    box: Ints


@dataclass(frozen=True)
class Matches:
    """The detections of a data set, the best first, and its true boxes.

    Attributes:
        classes: Names, by category id.
        images: How many there are.
        image: Index of each detection's image.
        label: Index of its class.
        score: From 0 to 1.
        found: A bit for each of :data:`umop.evaluation.coco.IOUS`, set where it found a true box.
        ignored: Bits set where it lies on a crowd, and counts neither way.
        own: Among the true boxes of its class.
        other: Among those of other classes.
        box: The true box that it found at IoU 0.50; −1 where it found none.
        true_image: Index of each true box's image; crowds are left out.
        true_label: Index of its class.
    """

    classes: tuple[str, ...]
    images: int
    image: Ints
    label: Ints
    score: Floats
    found: Ints
    ignored: Ints
    own: Overlaps
    other: Overlaps
    box: Ints
    true_image: Ints
    true_label: Ints

    @classmethod
    def of(cls, content: Mapping[str, Any], detections: Sequence[Mapping[str, Any]]) -> Matches:
        """Matches detections with true boxes as COCO does.

        The best detections choose first, each the free true box of its class and image that it
        overlaps most. As many of a class count in an image as in COCO's numbers.

        Args:
            content: COCO's JSON with the true boxes.
            detections: COCO results.

        Raises:
            KeyError: A detection is of an image or a category that the JSON does not list.
        """
        images = _places(content["images"])
        categories = _places(content["categories"])
        truth = _Boxes.read(content["annotations"], images, categories)
        most = most_detections(content["annotations"])
        found = _Boxes.read(detections, images, categories).limited(most)
        matched = _Matched.empty(len(found))
        for lines, columns in _by_image(found, truth, len(images)):
            matched.add(found, truth, lines, columns)
        best = np.argsort(-found.score, kind="stable")
        names = {each["id"]: each["name"] for each in content["categories"]}
        plain = ~truth.is_crowd
        return cls(
            classes=tuple(names[each] for each in categories),
            images=len(images),
            image=found.image[best],
            label=found.label[best],
            score=found.score[best],
            **matched.ordered(best, np.where(plain, np.cumsum(plain) - 1, _NONE)),
            true_image=truth.image[plain],
            true_label=truth.label[plain],
        )

    def at(self, iou: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which detections found a true box, and which count at all, at an index of the IoUs."""
        return (self.found >> iou & 1).astype(bool), ~(self.ignored >> iou & 1).astype(bool)


@dataclass(frozen=True)
class _Boxes:
    """True boxes or detections, by image, the best of each image first."""

    image: Ints
    label: Ints
    score: Floats
    corners: Floats
    is_crowd: NDArray[np.bool_]

    @classmethod
    def read(
        cls,
        listed: Sequence[Mapping[str, Any]],
        images: Mapping[int, int],
        categories: Mapping[int, int],
    ) -> _Boxes:
        """Sorts COCO's annotations or results by image, the best of each image first.

        Args:
            listed: The annotations or results; those without a score have 1.
            images: Index of each image, by its id.
            categories: Index of each category, by its id.

        Raises:
            KeyError: One is of an image or a category without an index.
        """
        boxes = cls(
            image=np.array([images[each["image_id"]] for each in listed], np.int64),
            label=np.array([categories[each["category_id"]] for each in listed], np.int64),
            score=np.array([each.get("score", 1.0) for each in listed], np.float64),
            corners=np.array([each["bbox"] for each in listed], np.float64).reshape(-1, 4),
            is_crowd=np.array([bool(each.get("iscrowd")) for each in listed], bool),
        )
        return boxes.at(np.lexsort((-boxes.score, boxes.image)))

    def __len__(self) -> int:
        return len(self.image)

    def at(self, rows: NDArray[Any]) -> _Boxes:
        """Some of them."""
        parts = (self.image, self.label, self.score, self.corners, self.is_crowd)
        return _Boxes(*(part[rows] for part in parts))

    def limited(self, most: int) -> _Boxes:
        """The best of each class in each image, so many at most."""
        group = self.image * (self.label.max(initial=0) + 1) + self.label
        order = np.argsort(group, kind="stable")
        _, first, counts = np.unique(group[order], return_index=True, return_counts=True)
        rank = np.empty(len(self), np.int64)
        rank[order] = np.arange(len(self)) - np.repeat(first, counts)
        return self.at(rank < most)


@dataclass(frozen=True)
class _Matched:
    """What the detections found, filled image by image."""

    found: Ints
    ignored: Ints
    own: Overlaps
    other: Overlaps
    box: Ints

    @classmethod
    def empty(cls, count: int) -> _Matched:
        zeros, nothing = np.zeros(count, np.int64), np.full(count, _NONE)
        own, other = (Overlaps(np.zeros(count), nothing.copy()) for _ in range(2))
        return cls(zeros, zeros.copy(), own, other, nothing)

    def add(self, found: _Boxes, truth: _Boxes, lines: slice, columns: slice) -> None:
        """Matches the detections of an image with its true boxes.

        Args:
            found: All detections.
            truth: All true boxes.
            lines: The detections of the image.
            columns: Its true boxes.
        """
        crowd = truth.is_crowd[columns]
        iou = mask.iou(found.corners[lines], truth.corners[columns], crowd.tolist())
        same = found.label[lines, None] == truth.label[columns]
        for which, overlaps in ((same, self.own), (~same, self.other)):
            allowed = np.where(which & ~crowd, iou, 0)
            best = allowed.argmax(1)
            value = np.take_along_axis(allowed, best[:, None], 1)[:, 0]
            overlaps.iou[lines] = value
            overlaps.box[lines] = np.where(value > 0, best + columns.start, _NONE)
        self._assign(np.where(same, iou, 0), crowd, lines.start, columns.start)

    def _assign(self, iou: Floats, crowd: NDArray[np.bool_], line: int, column: int) -> None:
        """Lets detections choose: a bit stands for each of the IoUs, so that all are done at once.

        Args:
            iou: Of detections, the best first, and true boxes of their class.
            crowd: Which of the true boxes are crowds.
            line: Index of the first detection.
            column: Index of the first true box.
        """
        rows, places = np.nonzero(iou >= IOUS[0])
        values, crowds = iou[rows, places], crowd[places]
        order = np.lexsort((-places, -values, crowds, rows))
        reached = (1 << np.searchsorted(IOUS, values, "right")) - 1
        taken: defaultdict[int, int] = defaultdict(int)
        for at in order.tolist():
            row, place = line + int(rows[at]), int(places[at])
            free = int(reached[at]) & ~int(self.found[row]) & ~int(self.ignored[row])
            if crowds[at]:
                self.ignored[row] |= free
                continue
            won = free & ~taken[place]
            taken[place] |= won
            self.found[row] |= won
            if won & 1:
                self.box[row] = column + place

    def ordered(self, best: Ints, renumbered: Ints) -> dict[str, Any]:
        """The fields of :class:`Matches`, by falling score, true boxes numbered without crowds."""
        numbers = np.append(renumbered, _NONE)
        own, other = (
            Overlaps(each.iou[best], numbers[each.box[best]]) for each in (self.own, self.other)
        )
        return {
            "found": self.found[best],
            "ignored": self.ignored[best],
            "own": own,
            "other": other,
            "box": numbers[self.box[best]],
        }


def _places(listed: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The index of each id, in their order."""
    return {id: place for place, id in enumerate(sorted(each["id"] for each in listed))}


def _by_image(found: _Boxes, truth: _Boxes, images: int) -> Iterator[tuple[slice, slice]]:
    """The detections and the true boxes of each image that has both."""
    ends = np.arange(images + 1)
    lines, columns = (np.searchsorted(each.image, ends).tolist() for each in (found, truth))
    for first, last, left, right in zip(
        lines[:-1], lines[1:], columns[:-1], columns[1:], strict=True
    ):
        if first < last and left < right:
            yield slice(first, last), slice(left, right)
