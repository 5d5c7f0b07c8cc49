"""Where AP50 is lost: what it would be without each kind of mistake (TIDE, arXiv 2008.08115).

Its authors' package has had no release since 2020; this counts the same mistakes in
:class:`~umop.evaluation.matches.Matches`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from umop.evaluation.coco import IOUS
from umop.evaluation.matches import Ints, Matches, Overlaps
from umop.evaluation.resampling import average_precision, mean_of_classes

MISTAKES = {
    "class": "a box of another class",
    "box": "a box of its class, not precisely enough",
    "both": "a box of another class, not precisely enough",
    "twice": "a box that was found already",
    "background": "nothing",
    "missed": "true boxes without any detection",
}
"""The kinds of mistakes, and what their detections lie on."""

_CLASS, _BOX, _BOTH, _TWICE, _BACKGROUND, _MISSED = MISTAKES
_FOUND = IOUS[0]
_TOUCHED = 0.1
"""A detection with a lower IoU lies on the background."""

_Flags = NDArray[np.bool_]


def lost(matches: Matches) -> dict[str, float]:
    """How much higher AP50 would be without each of :data:`MISTAKES`, from 0 to 1.

    A mistaken class or an imprecise box is put right, unless its true box is found anyway; other
    false detections are left out, and so are missed boxes. The parts do not add up to what is
    missing to 1: a mistake counts for more once others are gone.
    """
    before = _ap50(matches)
    kinds = _Kinds.of(matches)
    repaired = {
        _CLASS: kinds.repaired(_CLASS, matches.other),
        _BOX: kinds.repaired(_BOX, matches.own),
        **{kind: kinds.without(kind) for kind in (_BOTH, _TWICE, _BACKGROUND)},
        _MISSED: kinds.without_missed(),
    }
    return {kind: max(0.0, _ap50(each) - before) for kind, each in repaired.items()}


def _ap50(matches: Matches) -> float:
    once = np.ones((1, matches.images), np.int32)
    value = float(mean_of_classes(average_precision(matches, once, [0]))[0, 0])
    return 0.0 if np.isnan(value) else value


@dataclass(frozen=True)
class _Kinds:
    """The mistakes among the detections.

    Attributes:
        matches: The detections.
        kind: Of each detection; empty for one that is right, or does not count.
        is_free: Which of the true boxes no detection found.
    """

    matches: Matches
    kind: NDArray[np.str_]
    is_free: _Flags

    @classmethod
    def of(cls, matches: Matches) -> _Kinds:
        """Names the kind of each mistake; the first that fits, as TIDE does."""
        found, counts = matches.at(0)
        own, other = matches.own.iou, matches.other.iou
        kinds = {
            "": found | ~counts,
            _BOX: (own >= _TOUCHED) & (own < _FOUND),
            _CLASS: other >= _FOUND,
            _TWICE: own >= _FOUND,
            _BACKGROUND: np.maximum(own, other) < _TOUCHED,
        }
        is_free = np.ones(len(matches.true_label), bool)
        is_free[matches.box[found]] = False
        return cls(matches, np.select(list(kinds.values()), list(kinds), _BOTH), is_free)

    def without(self, kind: str) -> Matches:
        """The detections without those of a kind."""
        return self._kept(self.kind != kind, self.matches.label, self.matches.found)

    def repaired(self, kind: str, meant: Overlaps) -> Matches:
        """The detections with those of a kind put right: the best for each box, if it is free."""
        wrong = np.flatnonzero(self.kind == kind)
        wrong = wrong[self.is_free[meant.box[wrong]]]
        boxes, first = np.unique(meant.box[wrong], return_index=True)
        label, found = self.matches.label.copy(), self.matches.found.copy()
        label[wrong[first]] = self.matches.true_label[boxes]
        found[wrong[first]] |= 1
        return self._kept((self.kind != kind) | (found & 1 > 0), label, found)

    def without_missed(self) -> Matches:
        """The detections, without the true boxes that no detection is for."""
        touched = ~self.is_free
        for kind, meant in ((_CLASS, self.matches.other), (_BOX, self.matches.own)):
            touched[meant.box[self.kind == kind]] = True
        labels, images = self.matches.true_label[touched], self.matches.true_image[touched]
        return replace(self.matches, true_label=labels, true_image=images)

    def _kept(self, rows: _Flags, label: Ints, found: Ints) -> Matches:
        """Some of the detections, with other labels and other boxes found."""
        return replace(
            self.matches,
            image=self.matches.image[rows],
            label=label[rows],
            found=found[rows],
            ignored=self.matches.ignored[rows],
        )
