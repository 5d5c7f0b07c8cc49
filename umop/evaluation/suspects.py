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
from numpy.typing import NDArray

from umop.evaluation.paired import FOUND, ClassStatistics, PairedImage

SuspectKind = Literal["missing", "surplus", "class", "imprecise"]
SUSPECT_KINDS: dict[SuspectKind, str] = {
    "missing": "an object without a label",
    "surplus": "a label where nothing is found",
    "class": "a label of another class than what is found there",
    "imprecise": "a label that lies beside what is found",
}
"""What may be wrong with a label."""

_BESIDE = 0.1
"""The IoU from which a detection may be of a label of its class that lies beside it."""
_LEAST = 0.2
"""A lower score is not listed, and a detection that counts for less explains nothing."""


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong, or missing.

    Attributes:
        kind: One of :data:`SUSPECT_KINDS`.
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
    images = [
        PairedImage.of(split, image["file_name"], labels[image["id"]], found[image["id"]])
        for image in content["images"]
        if labels[image["id"]] or found[image["id"]]
    ]
    classes = {number: ClassStatistics.of(number, name, images) for number, name in names.items()}
    listed = [suspect for image in images for suspect in _Contradictions(image, classes).suspects()]
    said = [suspect for suspect in listed if suspect.score >= _LEAST]
    return sorted(said, key=lambda each: (-each.score, -each.sureness, each.image))


def _by_image(boxes: Sequence[Mapping[str, Any]]) -> defaultdict[int, list[Mapping[str, Any]]]:
    groups: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for each in boxes:
        groups[each["image_id"]].append(each)
    return groups


@dataclass(frozen=True)
class _Contradictions:
    """What contradicts the labels of an image.

    Attributes:
        image: Its labels and detections.
        classes: What is usual, by category id.
    """

    image: PairedImage
    classes: Mapping[int, ClassStatistics]

    def suspects(self) -> Iterator[Suspect]:
        """What is suspect in the image."""
        image, classes = self.image, self.classes
        free = set(np.flatnonzero(image.own < 0).tolist())
        scores = zip(image.found_classes.tolist(), image.scores.tolist(), strict=True)
        worth = [classes[number].worth(score) for number, score in scores]
        matched = set(image.own.tolist())
        support = image.support()
        for label in np.argsort(support, kind="stable").tolist():
            own = classes[int(image.classes[label])]
            suspicion = 1 - own.relative(float(support[label]))
            is_found = label in matched
            kind, row = self._contradiction(label, is_found, free, worth)
            if row is not None:
                free.discard(row)
                score = worth[row] if is_found else max(worth[row], own.found)
                yield self._suspect(kind, suspicion * score, label, row)
            elif not is_found:
                yield self._suspect("surplus", suspicion * own.found, label, None)
        for row in sorted(free):
            near = float(image.iou[row].max(initial=0))
            if near < FOUND:
                suspicion = float(image.scores[row]) * (1 - near)
                yield self._suspect("missing", suspicion * worth[row], None, row)

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
        image = self.image
        best: tuple[SuspectKind, int | None] = ("surplus", None)
        most = _LEAST
        for row in sorted(free):
            is_own = image.found_classes[row] == image.classes[label]
            iou = image.iou[row, label]
            says = _BESIDE <= iou < FOUND and not is_found if is_own else iou >= FOUND
            if says and worth[row] > most:
                best, most = ("imprecise" if is_own else "class", row), worth[row]
        return best

    def _suspect(
        self, kind: SuspectKind, score: float, label: int | None, row: int | None
    ) -> Suspect:
        """A suspect of a label and a detection, by their indices.

        Args:
            kind: What is suspect.
            score: How much.
            label: None where one is missing.
            row: The detection; None where there is none.
        """
        image, classes = self.image, self.classes
        return Suspect(
            kind=kind,
            score=round(float(score), 4),
            split=image.split,
            image=image.image,
            label=None if label is None else classes[int(image.classes[label])].name,
            box=None if label is None else _rounded(image.labels[label]),
            found=None if row is None else classes[int(image.found_classes[row])].name,
            found_box=None if row is None else _rounded(image.found[row]),
            sureness=0.0 if row is None else round(float(image.scores[row]), 4),
        )


def _rounded(box: NDArray[np.float64]) -> tuple[float, ...]:
    """A box's xyxy in pixels, from xywh."""
    x, y, width, height = box.tolist()
    return tuple(round(each, 1) for each in (x, y, x + width, y + height))
