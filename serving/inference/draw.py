"""Images with boxes and labels on them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from serving.inference.formats import ImageTooLargeError
from serving.schemas.detections import Detection

# Okabe and Ito's colours, told apart by most colour-blind people (black left out).
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_MOST_OUTLINE = 2**29
_MOST_JPEG_SIDE = 65_500
_JPEG_QUALITY = 90
_MARGIN = 2

_Corners = tuple[float, float, float, float]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def annotate(image: NDArray[np.uint8], detections: Sequence[Detection]) -> Image.Image:
    """Draws boxes with their captions.

    No caption leaves the image, and none is drawn over that of a better detection: a crowded
    image stays readable.

    Args:
        image: RGB, uint8, shape (height, width, 3).
        detections: Best first.

    Raises:
        ImageTooLargeError: Their outlines have more than ``_MOST_OUTLINE`` pixels.
    """
    drawn = Image.fromarray(image)
    pen = ImageDraw.Draw(drawn)
    unit = min(drawn.size) / 750
    font = ImageFont.load_default(size=max(11, round(12 * unit)))
    width = max(2, round(2 * unit))
    _require_few_pixels(detections, width)
    for detection in reversed(detections):
        pen.rectangle(_corners(detection), outline=_colour(detection), width=width)
    taken: list[_Corners] = []
    for detection in detections:
        place = _caption_place(pen, drawn.size, detection, font)
        if not any(_overlap(place, other) for other in taken):
            _draw_caption(pen, place, detection, font)
            taken.append(place)
    return drawn


def encode(image: Image.Image, media_type: str) -> bytes:
    """Encodes an image as ``image/jpeg`` or ``image/png``.

    Raises:
        ImageTooLargeError: It has a side that no JPEG can have.
    """
    if media_type == "image/jpeg" and max(image.size) > _MOST_JPEG_SIDE:
        raise ImageTooLargeError(
            f"a JPEG has at most {_MOST_JPEG_SIDE} pixels a side: ask for a PNG"
        )
    buffer = io.BytesIO()
    if media_type == "image/png":
        image.save(buffer, "PNG", compress_level=3)
    else:
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _require_few_pixels(detections: Sequence[Detection], width: int) -> None:
    sides = sum((each.box.x2 - each.box.x1) + (each.box.y2 - each.box.y1) for each in detections)
    if 2 * sides * width > _MOST_OUTLINE:
        raise ImageTooLargeError(
            "there are too many boxes to draw on an image of this size: set max_detections"
        )


def _caption(detection: Detection) -> str:
    return f"{detection.label} {detection.score:.2f}"


def _colour(detection: Detection) -> str:
    return PALETTE[detection.class_id % len(PALETTE)]


def _corners(detection: Detection) -> _Corners:
    box = detection.box
    return (box.x1, box.y1, box.x2, box.y2)


def _caption_place(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], detection: Detection, font: _Font
) -> _Corners:
    left, top, right, bottom = pen.textbbox((0, 0), _caption(detection), font=font)
    width, height = right - left + 2 * _MARGIN, bottom - top + 2 * _MARGIN
    box = detection.box
    x = round(_clamp(box.x1, size[0] - width))
    y = round(_clamp(box.y1 - height if box.y1 >= height else box.y1, size[1] - height))
    return (x, y, x + width, y + height)


def _draw_caption(
    pen: ImageDraw.ImageDraw, place: _Corners, detection: Detection, font: _Font
) -> None:
    text, colour = _caption(detection), _colour(detection)
    left, top, _, _ = pen.textbbox((0, 0), text, font=font)
    pen.rectangle(place, fill=colour)
    start = (place[0] + _MARGIN - left, place[1] + _MARGIN - top)
    pen.text(start, text, fill=_text_colour(colour), font=font)


def _overlap(one: _Corners, other: _Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _clamp(value: float, highest: float) -> float:
    return max(0.0, min(value, highest))


def _text_colour(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "white"
