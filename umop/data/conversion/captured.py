"""The images that ``umop-serve --capture`` has kept, as a data set for a person to correct."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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
        content: What is in it, as ``/detect`` answers.
    """

    image: Path
    answer: Path
    content: dict[str, Any]

    @property
    def certainty(self) -> float:
        """How far the least certain box's score is from one half; 1 where there is no box."""
        scores = [each["score"] for each in self.content["detections"]]
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
    size = captured.content["image"]
    image = builder.image(
        Image(captured.image, captured.answer, "train", size["width"], size["height"])
    )
    for number, found in enumerate(captured.content["detections"]):
        corners = [float(found["box"][side]) for side in ("x1", "y1", "x2", "y2")]
        builder.box(image, builder.label(found["label"]), corners, number)
        yield float(found["score"])


def _read(folder: Path) -> Iterator[_Captured]:
    """What can be read; says how much cannot."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    broken = 0
    for answer in sorted(folder.glob("*.json")):
        image = answer.with_suffix(".jpg")
        try:
            content = json.loads(answer.read_bytes())
            captured = _Captured(image, answer, content)
            _ = captured.certainty, content["image"]["width"]
        except (OSError, ValueError, KeyError, TypeError):
            broken += 1
            continue
        if image.is_file():
            yield captured
    if broken:
        note(f"{counted(broken, 'answer')} in {folder} cannot be read and are left out.")
