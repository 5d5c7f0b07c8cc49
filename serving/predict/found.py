"""What was found in an image."""

from __future__ import annotations

from typing import NamedTuple

from serving.schemas.detections import Detection, ImageInfo


class Predicted(NamedTuple):
    """What was found in an image.

    Attributes:
        image: Its size, upright.
        detections: Best first, rounded as ``POST /detect`` rounds.
    """

    image: ImageInfo
    detections: list[Detection]
