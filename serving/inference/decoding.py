"""Decodes images.

``serving.inference.formats`` reads their headers first, in bounds; only what the pixels need comes
here, so that decoding takes time and memory by the number of pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from serving.inference.decoders import CONTINUATIONS, IMAGE_FORMATS, decode_stored
from serving.inference.formats import (
    Encoded,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
    inspect,
    sniff,
)
from serving.inference.formats.directory import SWAPPING_ORIENTATIONS
from serving.inference.pixels import Decoded, Pixels, from_image, upright

__all__ = [
    "IMAGE_FORMATS",
    "SWAPPING_ORIENTATIONS",
    "Decoded",
    "Header",
    "ImageError",
    "ImageTooLargeError",
    "Pixels",
    "UnsupportedImageError",
    "WidthHeight",
    "decode",
    "decode_reduced",
    "decode_whole",
    "from_pillow",
    "read_header",
    "sniff",
]

_MOST_SIDE = 2**20
"""Of an image of one column each pixel costs a decoder as much as a row."""
_MOST_BYTES_A_PIXEL = 6
"""Most bytes of one decoded pixel of an image of ``max_pixels``; a smaller one may have more."""
_MOST_PASSES = 32
"""Most passes over the pixels of an image of ``max_pixels``; a smaller one may have more."""
_PILLOWS_LIMIT = Lock()

WidthHeight = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """What an image's first bytes say, read without decoding it.

    Attributes:
        media_type: For example ``image/jpeg``.
        width: In pixels, upright.
        height: In pixels, upright.
        orientation: EXIF's, by which the stored pixels are turned; 1 for none.
        lacks_end: Whether a JPEG's end marker is missing. ``decode`` accepts it where all pixels
            are there. True as well for the first bytes of a JPEG alone.
    """

    media_type: str
    width: int
    height: int
    orientation: int = 1
    lacks_end: bool = False


def read_header(data: bytes, max_pixels: int) -> Header:
    """Reads format and size, and decodes no pixel.

    Args:
        data: An encoded image.
        max_pixels: Most pixels (width × height) allowed.

    Raises:
        UnsupportedImageError: The format is none of ``IMAGE_FORMATS``.
        ImageTooLargeError: The image has more pixels than ``max_pixels``, or a very long side.
        ImageError: The header is damaged.
    """
    encoded = _inspect(data, max_pixels)
    width, height = _upright_size(encoded)
    return Header(encoded.media_type, width, height, encoded.orientation, encoded.lacks_end)


def decode(data: bytes, max_pixels: int) -> Pixels:
    """Decodes an image: first frame, EXIF orientation applied.

    Transparent pixels are laid over white. Values of more than 8 bits are scaled to 8 by a power of
    two, which the largest value decides: to 4095, they count as 12 bits. Floats from 0 to 1 are
    multiplied by 255. See ``serving.inference.scale``.

    Args:
        data: An encoded image in one of ``IMAGE_FORMATS``.
        max_pixels: Most pixels (width × height) allowed; checked before decoding.

    Returns:
        RGB pixels, uint8, shape (height, width, 3).

    Raises:
        UnsupportedImageError: The format is none of ``IMAGE_FORMATS``.
        ImageTooLargeError: The image has more pixels than ``max_pixels``.
        ImageError: The image is damaged.
        MemoryError: There is not enough memory for it.
    """
    return decode_whole(data, max_pixels).pixels


def decode_whole(data: bytes, max_pixels: int) -> Decoded:
    """Decodes an image like ``decode``, and says what was made good.

    Args:
        data: An encoded image in one of ``IMAGE_FORMATS``.
        max_pixels: Most pixels (width × height) allowed; checked before decoding.

    Raises:
        ImageError: As for ``decode``.
        MemoryError: As for ``decode``.
    """
    return _decode(_inspect(data, max_pixels), reduction=1)


def decode_reduced(
    data: bytes, max_pixels: int, target: Callable[[WidthHeight], WidthHeight]
) -> tuple[Pixels, WidthHeight]:
    """Decodes an image that will be scaled down.

    A JPEG is decoded at a half, quarter or eighth of its size where that is a whole number of
    pixels and no smaller than the target: so libjpeg computes fewer pixels. It averages those it
    leaves out, where ``decode`` and a bilinear resize would pass over some.

    Args:
        data: An encoded image in one of ``IMAGE_FORMATS``.
        max_pixels: Most pixels (width × height) allowed; checked before decoding.
        target: Says what size an image of a size, both upright, will be scaled to.

    Returns:
        RGB pixels, uint8, shape (height, width, 3); and the image's own size, upright.

    Raises:
        ImageError: As for ``decode``.
        MemoryError: As for ``decode``.
    """
    encoded = _inspect(data, max_pixels)
    size = _upright_size(encoded)
    reduction = _reduction(size, target(size)) if encoded.media_type == "image/jpeg" else 1
    return _decode(encoded, reduction).pixels, size


def from_pillow(image: Image.Image) -> NDArray[np.uint8]:
    """Returns a Pillow image's pixels as ``decode`` does those of its file.

    Raises:
        ImageError: The image is damaged.
    """
    try:
        return from_image(ImageOps.exif_transpose(image)).pixels
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError(f"the image is damaged: {error}") from error


def _reduction(size: WidthHeight, target: WidthHeight) -> int:
    for factor in (8, 4, 2):
        whole = all(side % factor == 0 for side in size)
        if whole and all(s // factor >= t for s, t in zip(size, target, strict=True)):
            return factor
    return 1


def _inspect(data: bytes, max_pixels: int) -> Encoded:
    encoded = inspect(data)
    width, height = _upright_size(encoded)
    pixels = width * height
    if max(width, height) > _MOST_SIDE:
        raise ImageTooLargeError(f"the image has a side of more than {_MOST_SIDE} pixels")
    if pixels > max_pixels:
        raise ImageTooLargeError(f"the image has {width} × {height} pixels, more than {max_pixels}")
    if pixels * encoded.sample_bytes > _MOST_BYTES_A_PIXEL * max_pixels:
        raise ImageTooLargeError(f"the image has too many bytes: {encoded.sample_bytes} a pixel")
    times = len(CONTINUATIONS) if encoded.lacks_end else 1
    if pixels * encoded.passes * times > _MOST_PASSES * max_pixels:
        raise ImageError(f"an image of this size has fewer than {encoded.passes} scans")
    _raise_pillows_limit(max_pixels)
    return encoded


def _upright_size(encoded: Encoded) -> WidthHeight:
    width, height = encoded.width, encoded.height
    return (height, width) if encoded.orientation in SWAPPING_ORIENTATIONS else (width, height)


def _decode(encoded: Encoded, reduction: int) -> Decoded:
    try:
        decoded = decode_stored(encoded, reduction)
        return Decoded(upright(decoded.pixels, encoded.orientation), decoded.warnings)
    except (MemoryError, ImageError):
        raise
    except UnidentifiedImageError as error:  # it names a Python object
        _require_memory(encoded)
        raise ImageError(
            "the image is damaged, or its values are of a kind that is not read; "
            "save it as RGB of 8 bits"
        ) from error
    except Exception as error:  # Pillow's decoders raise many kinds on damaged input
        _require_memory(encoded)
        raise ImageError(f"the image is damaged: {error}") from error


def _require_memory(encoded: Encoded) -> None:
    """Raises ``MemoryError`` where decoding failed for want of memory: decoders hide it."""
    np.empty((encoded.height, encoded.width, 2 * _MOST_BYTES_A_PIXEL), np.uint8)


def _raise_pillows_limit(max_pixels: int) -> None:
    """Lets Pillow open what is allowed here; all threads share its limit, so it is only raised."""
    with _PILLOWS_LIMIT:
        if Image.MAX_IMAGE_PIXELS is not None:
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
