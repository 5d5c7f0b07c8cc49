"""The images that ``umop-serve --capture`` has kept, as a data set for a person to correct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.shared import DetectResponse, ImageError, read_header
from umop.data.dataset import Builder, Image, Notation
from umop.data.files.reading import HEAD, read_bytes
from umop.data.formats import Labelled
from umop.data.images import MAX_TRAINING_PIXELS
from umop.system.console import counted, note
from umop.system.errors import UserError
from umop.system.fetched import address_in, fetched_path

_CERTAIN = 1.0
_MOST_BYTES = 2**24
"""Of an answer: more than any service writes."""


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

    @property
    def is_sound(self) -> bool:
        """Whether the answer is of this image, with classes and boxes that can be drawn."""
        header = read_header(read_bytes(self.image, HEAD), MAX_TRAINING_PIXELS)
        width, height = self.found.image.sides
        return (header.width, header.height) == (width, height) and all(
            each.label.isprintable()
            and each.label.strip()
            and -1 <= each.box.x1 <= each.box.x2 <= width + 1
            and -1 <= each.box.y1 <= each.box.y2 <= height + 1
            for each in self.found.detections
        )


def certainty(scores: Iterable[float]) -> float:
    """How far the score of an image's least certain box is from one half; 1 without a box."""
    return min((abs(score - 0.5) for score in scores), default=_CERTAIN)


def read_captured(source: Path) -> Labelled:
    """Reads captured images, the most uncertain first.

    Args:
        source: The folder or address that ``--capture`` named. An image that cannot be read, or
            whose answer cannot, is left out.

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


def _read(folder: Path) -> list[_Captured]:
    """What can be read; says how much cannot."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    answers = sorted(folder.glob("*.json"))
    whole = [captured for answer in answers if (captured := _captured(answer))]
    if broken := len(answers) - len(whole):
        left_out = counted(broken, "captured image")
        note(f"{left_out} left out: the image or its answer in {folder} cannot be read.")
    return whole


def _captured(answer: Path) -> _Captured | None:
    """An image with its answer; None where one of them is missing or damaged."""
    try:
        found = DetectResponse.model_validate_json(read_bytes(answer, _MOST_BYTES))
        captured = _Captured(answer.with_suffix(".jpg"), answer, found)
        return captured if captured.is_sound else None
    except (UserError, ImageError, ValueError):  # of pydantic, too
        return None
