"""Images with squares that the test bundle finds."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.bundle.schema import TileSpec

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
Square = tuple[str, int, int, int]


def paint(width: int, height: int, *squares: Square) -> NDArray[np.uint8]:
    """Paints squares (colour, left, top, side) on grey; RGB, uint8."""
    image = np.full((height, width, 3), 128, np.uint8)
    for colour, left, top, side in squares:
        image[top : top + side, left : left + side] = COLOURS[colour]
    return image


def encode(image: NDArray[np.uint8], format: str = "PNG", **options: Any) -> bytes:
    """Encodes an image with Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


# Twice the test bundle's 320 × 256, so a square of 64 is one window of 32.
TWO_SQUARES = paint(640, 512, ("red", 64, 128, 64), ("blue", 320, 320, 64))
TWO_BOXES = {"red": [64, 128, 128, 192], "blue": [320, 320, 384, 384]}

# Five by three windows, which begin at multiples of 256; squares lie on their borders.
TILES = TileSpec(window=320, overlap=64)
_SMALL: tuple[Square, ...] = (
    ("red", 8, 16, 32),
    ("green", 304, 400, 32),
    ("blue", 304, 304, 32),
    ("red", 240, 560, 32),
    ("green", 800, 304, 32),
    ("blue", 1304, 792, 32),
)
SMALL_SQUARES = paint(1344, 832, *_SMALL)
SMALL_BOXES = sorted(
    [colour, left, top, left + side, top + side] for colour, left, top, side in _SMALL
)
