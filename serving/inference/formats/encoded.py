"""An encoded image, and the errors that it may cause."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Way = Literal["plain", "deep", "planes", "pillow"]


class ImageError(Exception):
    """The bytes cannot be read as an image; the message is one line that says why."""


class UnsupportedImageError(ImageError):
    """The bytes are in none of the formats that are read."""


class ImageTooLargeError(ImageError):
    """The image has more pixels than allowed."""


@dataclass(frozen=True)
class Encoded:
    """What an image's bytes say.

    Attributes:
        media_type: For example ``image/jpeg``.
        width: In pixels, as stored.
        height: In pixels, as stored.
        data: The bytes that its pixels need.
        way: How to decode it: OpenCV to opaque 8-bit RGB, OpenCV to whatever it holds, OpenCV
            channel by channel, or Pillow.
        orientation: EXIF's, by which the stored pixels are turned; 1 for none.
        sample_bytes: Bytes of one decoded pixel.
        opaque: Whether a fourth channel is no alpha, but further data.
        passes: How often a decoder goes over all pixels.
        lacks_end: Whether the end marker that the format has is missing.
    """

    media_type: str
    width: int
    height: int
    data: bytes
    way: Way = "pillow"
    orientation: int = 1
    sample_bytes: int = 4
    opaque: bool = False
    passes: int = 1
    lacks_end: bool = False


def unpack(layout: str, data: bytes, place: int) -> tuple[int, ...]:
    """Reads integers.

    Args:
        layout: Format of :mod:`struct`, byte order included.
        data: The image's bytes, or a part of them.
        place: Where the first integer starts, in bytes from the start of ``data``.

    Raises:
        ImageError: The data ends before.
    """
    try:
        return struct.unpack_from(layout, data, place)
    except (struct.error, OverflowError) as error:  # a place may have 64 bits
        raise ImageError("the image's header is cut off") from error
