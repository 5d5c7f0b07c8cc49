"""Whether one run is worse than another by more than chance explains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config

from umop.evaluation.keep import beside
from umop.evaluation.matches import Floats, Matches
from umop.evaluation.resampling import average_precision, interval, mean_of_classes, resampled
from umop.runs.evaluation import annotations_of
from umop.system.errors import UserError

_CONFIDENCE = 0.95
_FEWEST_IMAGES = 10
"""A class that has boxes in fewer is not judged by itself: nothing can be said of so few."""


@dataclass(frozen=True)
class Difference:
    """How AP differs between two runs, A and B.

    Attributes:
        name: A class; empty for the mean of all.
        a: AP of A, from 0 to 1.
        b: AP of B.
        interval: Of B − A. Those of the classes are so wide that they hold together.
    """

    name: str
    a: float
    b: float
    interval: tuple[float, float]

    @property
    def title(self) -> str:
        """What tables call it."""
        return self.name or "all classes"

    @property
    def is_worse(self) -> bool:
        """Whether B is below A by more than the interval."""
        return self.interval[1] < 0

    @property
    def verdict(self) -> str:
        """``better`` or ``worse``; nothing where chance may explain the difference."""
        return "worse" if self.is_worse else "better" if self.interval[0] > 0 else ""

    @property
    def texts(self) -> list[str]:
        """AP of both runs, their difference and its interval, as tables show them."""
        low, high = self.interval
        difference = f"{self.b - self.a:+.3f}"
        return [f"{self.a:.3f}", f"{self.b:.3f}", difference, f"{low:+.3f} to {high:+.3f}"]


@dataclass(frozen=True)
class Comparison:
    """What two runs find in the same images.

    Attributes:
        images: How many there are.
        mean: AP.
        classes: AP of each class that can be judged, the largest loss first.
        unjudged: Classes with boxes in too few images.
    """

    images: int
    mean: Difference
    classes: list[Difference]
    unjudged: list[str]

    @classmethod
    def of(cls, a: Matches, b: Matches) -> Comparison:
        """Compares what two models find in the same images, by drawing images for both alike.

        Raises:
            UserError: The images have no boxes.
        """
        together = np.ones((1, a.images), np.int32)
        values = [average_precision(each, together) for each in (a, b)]
        values = [each.mean(1) for each in (*values, *resampled(a, b))]
        mean = _difference("", [mean_of_classes(each) for each in values], _CONFIDENCE)
        if mean is None:
            raise UserError("There is nothing to compare: the annotations have no boxes.")
        judged = _judged(a)
        certain = 1 - (1 - _CONFIDENCE) / max(len(judged), 1)
        classes = [
            _difference(a.classes[label], [each[:, label] for each in values], certain)
            for label in judged
        ]
        return cls(
            images=a.images,
            mean=mean,
            classes=sorted(filter(None, classes), key=lambda each: each.b - each.a),
            unjudged=[name for label, name in enumerate(a.classes) if label not in judged],
        )

    def worse(self) -> list[str]:
        """The classes in which B is worse, the largest loss first."""
        return [each.name for each in self.classes if each.is_worse]


def _judged(matches: Matches) -> list[int]:
    """The classes that have boxes in enough images."""
    pairs = np.unique(np.stack([matches.true_label, matches.true_image]), axis=1)
    images = np.bincount(pairs[0], minlength=len(matches.classes))
    return np.flatnonzero(images >= _FEWEST_IMAGES).tolist()


def _difference(name: str, values: Sequence[Floats], confidence: float) -> Difference | None:
    """A difference of AP; None where there are no boxes.

    Args:
        name: A class; empty for the mean.
        values: AP of A and of B, each of shape (1,), and of A and of B in the drawn data sets, each
            of shape (samples,).
        confidence: That of the interval.
    """
    a, b, drawn_a, drawn_b = values
    sure = interval(drawn_b - drawn_a, confidence)
    return Difference(name, float(a[0]), float(b[0]), sure) if sure else None


def read_matches(config: Config, evaluation: Path) -> Matches | None:
    """Reads what an evaluation found, from the files beside it; None where they are gone.

    Args:
        config: Names the annotations.
        evaluation: An ``evaluation….json``.

    Raises:
        UserError: The files do not belong together.
    """
    annotations, detections = annotations_of(config), beside(evaluation, "detections")
    if not annotations.is_file() or not detections.is_file():
        return None
    try:
        return Matches.of(*(json.loads(path.read_text()) for path in (annotations, detections)))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{detections} is not of the images in {annotations}. Evaluate again: umop eval."
        ) from error
