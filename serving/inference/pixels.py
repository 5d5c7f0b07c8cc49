"""RGB pixels of 8 bits, from what decoders give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.inference.scale import Scale

_TURNS: dict[int, tuple[int, int]] = {
    # quarters of a turn to the left, and the axis to mirror after it (-1 for none)
    2: (0, 1),
    3: (2, -1),
    4: (0, 0),
    5: (1, 0),
    6: (3, -1),
    7: (1, 1),
    8: (1, -1),
}
_TILE = (4096, 256)

Pixels = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""


@dataclass(frozen=True)
class Decoded:
    """A decoded image.

    Attributes:
        pixels: RGB, uint8, shape (height, width, 3).
        warnings: What was made good, one line each, as in ``its end marker is missing``.
    """

    pixels: Pixels
    warnings: tuple[str, ...] = ()


def from_image(image: Image.Image) -> Decoded:
    """From an image of Pillow's, as it is stored; transparent pixels are laid over white."""
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        return from_values(np.asarray(image))
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for rows, columns in _tiles(image.size):
        part = image.crop((columns.start, rows.start, columns.stop, rows.stop))
        opaque = _over_white(part) if part.has_transparency_data else part.convert("RGB")
        pixels[rows, columns] = np.asarray(opaque)
    return Decoded(pixels)


def from_values(values: NDArray[Any]) -> Decoded:
    """From grey, BGR or BGRA values of any depth, shape (height, width) or (height, width, C)."""
    values = values.astype(values.dtype.newbyteorder("="), copy=False)  # OpenCV takes no other
    height, width = values.shape[:2]
    channels = 1 if values.ndim == 2 else values.shape[2]
    colours = Scale.of(_planes(values, range(min(channels, 3))))
    alpha = Scale.of(_planes(values, range(3, channels)))
    pixels = np.empty((height, width, 3), np.uint8)
    for part in _tiles((width, height)):
        planes = [
            (alpha if channel == 3 else colours).apply(plane)
            for channel, plane in enumerate(cv2.split(np.ascontiguousarray(values[part])))
        ]
        blue, green, red, *more = planes if channels > 1 else planes * 3
        rgb = cv2.merge([red, green, blue, *more])
        pixels[part] = np.asarray(_over_white(Image.fromarray(rgb)) if more else rgb)
    return Decoded(pixels, (colours.warning,) if colours.warning else ())


def _planes(values: NDArray[Any], channels: Iterable[int]) -> Iterator[NDArray[Any]]:
    """Each tile of some channels; none of 8-bit values, which need no scale."""
    if values.dtype == np.uint8:
        return
    for part in _tiles((values.shape[1], values.shape[0])):
        planes = cv2.split(np.ascontiguousarray(values[part]))
        yield from (planes[channel] for channel in channels)


def _tiles(size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of parts of an image: what is made of one takes little memory."""
    width, height = size
    for top in range(0, height, _TILE[1]):
        for left in range(0, width, _TILE[0]):
            yield slice(top, min(top + _TILE[1], height)), slice(left, min(left + _TILE[0], width))


def _over_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turns pixels, shape (height, width, 3), by EXIF's orientation."""
    if orientation not in _TURNS:
        return pixels
    quarters, axis = _TURNS[orientation]
    turned = np.rot90(pixels, quarters)
    return np.ascontiguousarray(turned if axis < 0 else np.flip(turned, axis))
