"""Which labels a model suspects most.

A network that was trained on labels, a tenth of them wrong, follows the other nine tenths first. So
it contradicts the wrong ones, also in the images that it was trained on, as long as it has not
memorised them. This is confident learning (arXiv 1911.00068), as ObjectLab applies it to
boxes (arXiv 2309.00832). As there, what a score means is read from the other labels of its class,
so that classes and kinds of suspects can be ranked together:

- A detection counts for as much as the share of the class's detections at least as sure that lie on
  a label. So a class that is often left unlabelled does not fill the list.
- A label that nothing is found at counts for the share of the class's labels that are found. So a
  class that the model has not learned is not suspected.
- Both count for less, the nearer a label's own support is to what labels of its class usually have.
- Where a label may be missing, the detection's own score counts, too: a network takes many things
  for objects that it has not seen labelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from faster_coco_eval.core import mask
from numpy.typing import NDArray

SuspectKind = Literal["missing", "surplus", "class", "imprecise"]
SUSPECT_KINDS: dict[SuspectKind, str] = {
    "missing": "an object without a label",
    "surplus": "a label where nothing is found",
    "class": "a label of another class than what is found there",
    "imprecise": "a label that lies beside what is found",
}
"""What may be wrong with a label."""

_FOUND = 0.5
"""The IoU from which a detection is of a label."""
_BESIDE = 0.1
"""The IoU from which one of its class may be meant by it."""
_LEAST = 0.2
"""A lower score is not listed, and a detection that counts for less explains nothing."""
_Boxes = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong, or missing.

    Attributes:
        kind: One of :data:`KINDS`.
        score: How suspect, from 0 to 1.
        split: What the image is for, ``train`` or ``val``.
        image: The image's file, as the annotations name it.
        label: The label's class; None where one is missing.
        box: Its xyxy in pixels.
        found: The class that was found; None where nothing was.
        found_box: The xyxy of what was found.
        sureness: The score of what was found; 0 where nothing was.
    """

    kind: SuspectKind
    score: float
    split: str
    image: str
    label: str | None
    box: tuple[float, ...] | None
    found: str | None
    found_box: tuple[float, ...] | None
    sureness: float = 0.0


def find_suspects(
    content: Mapping[str, Any], detections: Sequence[Mapping[str, Any]], split: str
) -> list[Suspect]:
    """Compares labels with what a model finds in their images.

    Args:
        content: COCO's JSON with the labels. Crowds, and what is found on them, are left out.
        detections: COCO results of the same images.
        split: What the images are for.

    Returns:
        At most one for each label and each detection, the most suspect first.
    """
    names = {each["id"]: str(each["name"]) for each in content["categories"]}
    labels, found = (_by_image(each) for each in (content["annotations"], detections))
    scenes = [
        _Scene.of(split, image["file_name"], labels[image["id"]], found[image["id"]])
        for image in content["images"]
        if labels[image["id"]] or found[image["id"]]
    ]
    classes = {number: _Class.of(number, name, scenes) for number, name in names.items()}
    listed = [suspect for scene in scenes for suspect in scene.suspects(classes)]
    said = [suspect for suspect in listed if suspect.score >= _LEAST]
    return sorted(said, key=lambda each: (-each.score, -each.sureness, each.image))


def _by_image(boxes: Sequence[Mapping[str, Any]]) -> defaultdict[int, list[Mapping[str, Any]]]:
    groups: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for each in boxes:
        groups[each["image_id"]].append(each)
    return groups


@dataclass(frozen=True)
class _Scene:
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
    ) -> _Scene:
        """Pairs detections with labels of their class, the best detections first.

        Args:
            split: What the image is for.
            image: Its file.
            labels: Its annotations, of which crowds are left out.
            found: COCO results in it; those on crowds are left out.
        """
        crowds = _corners([each for each in labels if each.get("iscrowd")])
        labels = [each for each in labels if not each.get("iscrowd")]
        found = sorted(found, key=lambda each: -each["score"])
        on_crowd = _overlaps(_corners(found), crowds, is_crowd=True).max(1, initial=0)
        found = [found[row] for row in np.flatnonzero(on_crowd < _FOUND).tolist()]
        iou = _overlaps(_corners(found), _corners(labels))
        classes, found_classes = (
            np.array([each["category_id"] for each in boxes], np.int64) for boxes in (labels, found)
        )
        return cls(
            split=split,
            image=image,
            labels=_corners(labels),
            classes=classes,
            found=_corners(found),
            found_classes=found_classes,
            scores=np.array([each["score"] for each in found], np.float64),
            iou=iou,
            own=_pairs(np.where(found_classes[:, None] == classes, iou, 0)),
        )

    def support(self) -> NDArray[np.float64]:
        """The score of the best detection of each label and its class, 0 where there is none."""
        is_own = (self.found_classes[:, None] == self.classes) & (self.iou >= _FOUND)
        best: NDArray[np.float64] = np.where(is_own, self.scores[:, None], 0.0).max(0, initial=0)
        return best

    def suspects(self, classes: Mapping[int, _Class]) -> Iterator[Suspect]:
        """What is suspect in this image; takes what is usual, by category id."""
        free = set(np.flatnonzero(self.own < 0).tolist())
        worth = [
            classes[number].worth(score)
            for number, score in zip(self.found_classes.tolist(), self.scores.tolist(), strict=True)
        ]
        matched = set(self.own.tolist())
        support = self.support()
        for label in np.argsort(support, kind="stable").tolist():
            own = classes[int(self.classes[label])]
            suspicion = 1 - own.relative(float(support[label]))
            is_found = label in matched
            kind, row = self._contradiction(label, is_found, free, worth)
            if row is not None:
                free.discard(row)
                score = worth[row] if is_found else max(worth[row], own.found)
                yield self._suspect(kind, suspicion * score, classes, label, row)
            elif not is_found:
                yield self._suspect("surplus", suspicion * own.found, classes, label, None)
        for row in sorted(free):
            near = float(self.iou[row].max(initial=0))
            if near < _FOUND:
                suspicion = float(self.scores[row]) * (1 - near)
                yield self._suspect("missing", suspicion * worth[row], classes, None, row)

    def _contradiction(
        self, label: int, is_found: bool, free: set[int], worth: Sequence[float]
    ) -> tuple[SuspectKind, int | None]:
        """The detection that says best what is wrong with a label; None where none does.

        Args:
            label: Its index.
            is_found: Whether a detection of its class is of it.
            free: The detections that are of no label, by index.
            worth: What each detection counts for.
        """
        best: tuple[SuspectKind, int | None] = ("surplus", None)
        most = _LEAST
        for row in sorted(free):
            is_own = self.found_classes[row] == self.classes[label]
            iou = self.iou[row, label]
            says = _BESIDE <= iou < _FOUND and not is_found if is_own else iou >= _FOUND
            if says and worth[row] > most:
                best, most = ("imprecise" if is_own else "class", row), worth[row]
        return best

    def _suspect(
        self,
        kind: SuspectKind,
        score: float,
        classes: Mapping[int, _Class],
        label: int | None,
        row: int | None,
    ) -> Suspect:
        """A suspect of a label and a detection, by their indices.

        Args:
            kind: What is suspect.
            score: How much.
            classes: By category id.
            label: None where one is missing.
            row: The detection; None where there is none.
        """
        return Suspect(
            kind=kind,
            score=round(float(score), 4),
            split=self.split,
            image=self.image,
            label=None if label is None else classes[int(self.classes[label])].name,
            box=None if label is None else _rounded(self.labels[label]),
            found=None if row is None else classes[int(self.found_classes[row])].name,
            found_box=None if row is None else _rounded(self.found[row]),
            sureness=0.0 if row is None else round(float(self.scores[row]), 4),
        )


@dataclass(frozen=True)
class _Class:
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
    def of(cls, number: int, name: str, scenes: Sequence[_Scene]) -> _Class:
        """Measures a class in all images.

        Args:
            number: Its category id.
            name: Its name.
            scenes: The images.
        """
        support = _joined([each.support()[each.classes == number] for each in scenes])
        scores = _joined([each.scores[each.found_classes == number] for each in scenes])
        is_labelled = _joined([each.own[each.found_classes == number] >= 0 for each in scenes])
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


def _corners(boxes: Sequence[Mapping[str, Any]]) -> _Boxes:
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
        if left[row, label] >= _FOUND:
            own[row], left[:, label] = label, 0
    return own


def _rounded(box: _Boxes) -> tuple[float, ...]:
    """A box's xyxy in pixels, from xywh."""
    x, y, width, height = box.tolist()
    return tuple(round(each, 1) for each in (x, y, x + width, y + height))
