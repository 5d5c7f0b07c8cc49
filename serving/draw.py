"""Pictures with boxes and labels on them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from serving.schemas import Detection

# Okabe and Ito's colours, told apart by most colour-blind people (black left out).
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_JPEG_QUALITY = 90


def annotate(image: NDArray[np.uint8], detections: Sequence[Detection]) -> Image.Image:
    """Draws boxes with their labels; no label leaves the picture.

    Args:
        image: RGB, uint8, shape (height, width, 3).
        detections: Drawn from the last to the first, so that the best lies on top.
    """
    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    unit = max(picture.size) / 1000
    font = ImageFont.load_default(size=max(11, round(14 * unit)))
    for detection in reversed(detections):
        colour = PALETTE[detection.class_id % len(PALETTE)]
        box = detection.box
        corners = (box.x1, box.y1, box.x2, box.y2)
        pen.rectangle(corners, outline=colour, width=max(2, round(2 * unit)))
        _label(pen, picture.size, corners, _caption(detection), colour, font)
    return picture


def encode(picture: Image.Image, media_type: str) -> bytes:
    """Encodes a picture as `image/jpeg` or `image/png`."""
    buffer = io.BytesIO()
    if media_type == "image/png":
        picture.save(buffer, "PNG", compress_level=3)
    else:
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _caption(detection: Detection) -> str:
    return f"{detection.label} {detection.score:.2f}"


def _label(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    corners: tuple[float, float, float, float],
    text: str,
    colour: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    margin = 3
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x = _clamp(corners[0], size[0] - width)
    y = _clamp(corners[1] - height if corners[1] >= height else corners[1], size[1] - height)
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + margin - left, y + margin - top), text, fill=_ink(colour), font=font)


def _clamp(value: float, highest: float) -> float:
    return max(0.0, min(value, highest))


def _ink(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "white"
