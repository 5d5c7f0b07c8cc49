"""What an output format is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.schemas.detections import DetectionResult


@dataclass(frozen=True)
class Found:
    """What was found in one image.

    Attributes:
        name: The image's file name.
        image: The encoded image.
        result: The detections.
    """

    name: str
    image: bytes
    result: DetectionResult


@dataclass(frozen=True)
class DetectAnswer:
    """What a response says.

    Attributes:
        found: In the order that the images were sent.
        classes: All class names, in the model's order.
        max_pixels: Most pixels in one image.
    """

    found: Sequence[Found]
    classes: Sequence[str]
    max_pixels: int


Render = Callable[[DetectAnswer], str | bytes]


@dataclass(frozen=True)
class OutputFormat:
    """A format of responses.

    Attributes:
        name: Its name in ``?format=``.
        media_type: Its name in ``Accept``; of formats that share one, the first is meant.
        render: Writes the answer to a request with one image.
        batch: Writes the answer to a request with several; None where that cannot be.
        draws: Whether it needs the image's pixels, which few threads decode.
    """

    name: str
    media_type: str
    render: Render
    batch: Render | None
    draws: bool = False
