"""The images that ``umop-serve --capture`` has kept, as a data set for a person to correct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.shared import DetectResponse
from umop.data.dataset import Builder, Image, Notation
from umop.data.formats import Labelled
from umop.system.console import counted, note
from umop.system.errors import UserError
from umop.system.fetched import address_in, fetched_path

_CERTAIN = 1.0


@dataclass(frozen=True)
class _Captured:
    """An image and what the service has found in it.

    Attributes:
        image: Its file.
        answer: The file that says what was found.
        found: What is in it.
    """

    image: Path
    answer: Path
    found: DetectResponse

    @property
    def certainty(self) -> float:
        """How sure the model is of the image."""
        return certainty(each.score for each in self.found.detections)


def certainty(scores: Iterable[float]) -> float:
    """How far the score of an image's least certain box is from one half; 1 without a box."""
    return min((abs(score - 0.5) for score in scores), default=_CERTAIN)


def read_captured(source: Path) -> Labelled:
    """Reads captured images, the most uncertain first.

    Args:
        source: The folder or address that ``--capture`` named. An image whose answer cannot be
            read is left out.

    Raises:
        FetchError: Storage does not answer; the same command goes on where this one stopped.
        UserError: It is no folder, or holds no captured image.
    """
    folder = fetched_path(source)
    captured = sorted(_read(folder), key=lambda each: (each.certainty, each.image.name))
    if not captured:
        named = address_in(source) or source
        raise UserError(f"{named} holds no captured images: umop-serve --capture fills it.")
    builder = Builder(folder)
    scores = [score for each in captured for score in _add(builder, each)]
    builder.sort_classes()
    data = builder.build("captured images", Notation())
    return Labelled(data, tuple(each.image.name for each in captured), np.array(scores, np.float64))


def _add(builder: Builder, captured: _Captured) -> Iterator[float]:
    """Adds an image and its boxes; gives the boxes' scores."""
    width, height = captured.found.image.sides
    image = builder.image(Image(captured.image, captured.answer, "train", width, height))
    for number, found in enumerate(captured.found.detections):
        builder.box(image, builder.label(found.label), found.box.corners, number)
        yield found.score


def _read(folder: Path) -> Iterator[_Captured]:
    """What can be read; says how much cannot."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    broken = 0
    for answer in sorted(folder.glob("*.json")):
        image = answer.with_suffix(".jpg")
        try:
            found = DetectResponse.model_validate_json(answer.read_bytes())
        except (OSError, ValueError):  # of pydantic, too
            broken += 1
            continue
        if image.is_file():
            yield _Captured(image, answer, found)
    if broken:
        note(f"{counted(broken, 'answer')} in {folder} cannot be read and are left out.")
