"""Merges what was found in an image's windows into what is in the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.bundle.schema import Size, TileSpec
from serving.inference.postprocess import Detections
from serving.inference.windows import Window

MOST_MERGED = 10_000
"""Most boxes of all windows that are merged, the best ones; merging compares each with each."""
_BORDER = 1 / 64
"""Part of a window's side: a box that ends so close to a border may go on behind it."""
_LESS_TRUSTED = 0.5
"""What the score of a box that its window cuts counts for beside one that is shown whole."""

_Beside = tuple[NDArray[np.int64], NDArray[np.bool_]]


def moved(found: Detections, window: Window) -> Detections:
    """Returns what was found in a window's own pixels in those of the image."""
    corner = np.array([window.left, window.top] * 2, np.float32)
    return Detections(found.boxes + corner, found.scores, found.labels)


def merge(
    found: Sequence[Detections], seen: Sequence[Window], size: Size, spec: TileSpec, limit: int
) -> Detections:
    """Counts each object once, whatever number of windows show it.

    A box that its window shows whole stands for those that other windows cut off, unless its score
    is less than half of theirs. The parts of an object that no window shows whole are joined.

    Args:
        found: What was found in each window, in pixels of the image.
        seen: The windows.
        size: The image's.
        spec: How it was cut, and which boxes are of one object.
        limit: Most detections to return.
    """
    views = _Views.of(found, seen, size, spec.merge_iou)
    is_left = np.ones(len(views.boxes), np.bool_)
    boxes, kept = [], []
    for best in range(len(is_left)):
        if is_left[best]:
            boxes.append(views.take(best, is_left))
            kept.append(best)
    order = np.argsort(-views.scores[kept], kind="stable")[:limit]
    chosen = np.array(kept, np.int64)[order]
    corners = np.array(boxes, np.float32).reshape(-1, 4)[order]
    return Detections(corners, views.scores[chosen], views.labels[chosen])


@dataclass(frozen=True)
class _Views:
    """Boxes of all windows, the most trusted first.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels of the image, shape (n, 4).
        scores: Shape (n,).
        labels: Shape (n,).
        numbers: The window of each, shape (n,).
        is_cut: Whether its object may go on behind a border of its window, shape (n,).
        windows: All windows, shape (w, 4).
        iou: Boxes that overlap by more are of one object.
        members: The boxes of each window that has some.
        beside: For such a window those that it overlaps, and which boxes of both are of one object.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]
    is_cut: NDArray[np.bool_]
    windows: NDArray[np.float32]
    iou: float
    members: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    beside: dict[int, list[_Beside]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, found: Sequence[Detections], seen: Sequence[Window], size: Size, iou: float
    ) -> _Views:
        """Sorts the boxes of all windows, the most trusted first.

        Args:
            found: What was found in each window, in pixels of the image.
            seen: The windows.
            size: The image's.
            iou: Boxes that overlap by more are of one object.
        """
        boxes = np.concatenate([each.boxes for each in found])
        scores = np.concatenate([each.scores for each in found])
        labels = np.concatenate([each.labels for each in found])
        windows = np.array(seen, np.float32)
        numbers = np.repeat(np.arange(len(seen)), [len(each) for each in found])
        is_cut = _touches_border(boxes, windows[numbers], size)
        order = np.argsort(-scores * np.where(is_cut, _LESS_TRUSTED, 1), kind="stable")
        order = order[:MOST_MERGED]
        boxes, scores, labels = boxes[order], scores[order], labels[order]
        views = cls(boxes, scores, labels, numbers[order], is_cut[order], windows, iou)
        for number in np.unique(views.numbers).tolist():
            views.members[number] = np.flatnonzero(views.numbers == number)
        return views

    def take(self, best: int, is_left: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Takes a box, and all that show the same object, from those that are left.

        Args:
            best: The box.
            is_left: Which boxes no object has, changed in place.

        Returns:
            The object's box: that of the best, or the one around its parts where that is cut.
        """
        is_left[best] = False
        parts, todo = [best], [best]
        while todo:
            for same in self._same_as(todo.pop()):
                new = same[is_left[same]]
                is_left[new] = False
                if self.is_cut[best]:
                    parts.extend(cut := new[self.is_cut[new]].tolist())
                    todo.extend(cut)
        corners = self.boxes[parts]
        return np.concatenate([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])

    def _same_as(self, one: int) -> Iterator[NDArray[np.int64]]:
        """The boxes of other windows that are of the same object as one."""
        number = int(self.numbers[one])
        if number not in self.beside:
            self.beside[number] = list(self._compared(number))
        place = int(np.searchsorted(self.members[number], one))
        for others, is_same in self.beside[number]:
            yield others[is_same[place]]

    def _compared(self, number: int) -> Iterator[_Beside]:
        mine = self.members[number][:, None]
        overlaps = _area(_clipped(self.windows, self.windows[number])) > 0
        for other in np.flatnonzero(overlaps).tolist():
            if other != number and other in self.members:
                yield self.members[other], self._are_same(mine, self.members[other][None])

    def _are_same(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which boxes of two windows are of one object.

        Two that are cut are compared in what both windows show; one that is cut is a part of a
        whole one that covers it.
        """
        first, second = self.boxes[one], self.boxes[other]
        both_cut = (self.is_cut[one] & self.is_cut[other])[..., None]
        first = np.where(both_cut, _clipped(first, self.windows[self.numbers[other]]), first)
        second = np.where(both_cut, _clipped(second, self.windows[self.numbers[one]]), second)
        shared = _area(_clipped(first, second))
        union = _area(first) + _area(second) - shared
        part = np.where(self.is_cut[one], _area(first), _area(second))
        of = np.where(self.is_cut[one] == self.is_cut[other], union, part)
        return np.asarray(
            (self.labels[one] == self.labels[other]) & (shared > self.iou * of), np.bool_
        )


def _touches_border(
    boxes: NDArray[np.float32], places: NDArray[np.float32], size: Size
) -> NDArray[np.bool_]:
    """Whether each box ends at a border of its window that is not one of the image."""
    near = _BORDER * (places[:, 2:] - places[:, :2])
    starts = (boxes[:, :2] - places[:, :2] < near) & (places[:, :2] > 0)
    ends = (places[:, 2:] - boxes[:, 2:] < near) & (places[:, 2:] < [size.width, size.height])
    return np.asarray((starts | ends).any(axis=1), np.bool_)


def _clipped(boxes: NDArray[np.float32], to: NDArray[np.float32]) -> NDArray[np.float32]:
    """What boxes share with others; of no area where they share nothing."""
    corners = np.maximum(boxes[..., :2], to[..., :2])
    return np.concatenate([corners, np.minimum(boxes[..., 2:], to[..., 2:])], axis=-1)


def _area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)
