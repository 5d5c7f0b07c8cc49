"""What decodes which image: OpenCV, or Pillow where OpenCV cannot."""

from __future__ import annotations

import io
import warnings
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.inference.formats import Encoded, ImageError
from serving.inference.formats.jpeg import END
from serving.inference.formats.planes import read_planes
from serving.inference.pixels import Decoded, from_image, from_values

IMAGE_FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
_NAMES = {media_type: name for name, media_type in IMAGE_FORMATS.items()}
_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
# The names speak of grey, and the bits only of the factor.
_REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
# What a JPEG without an end is continued with: it is whole where this changes no pixel.
CONTINUATIONS = (b"", b"\xfe\xaa\x55\x33" * 64, b"\x01\x5a\xc3\x96" * 64)

# Of damaged images this module's errors say what is wrong, and no line of OpenCV's.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)


def decode_stored(encoded: Encoded, reduction: int) -> Decoded:
    """Decodes the pixels as they are stored; OpenCV's are Pillow's, in less time and memory.

    Of damaged images OpenCV gives none, and Pillow says what is wrong.

    Args:
        encoded: The image, whose header is checked.
        reduction: By which a JPEG's sides are divided: 1, 2, 4 or 8.

    Raises:
        ImageError: The image is damaged. Pillow raises other errors for that, too.
        MemoryError: There is not enough memory for it.
    """
    if encoded.way == "plain":
        if encoded.lacks_end:
            return _decode_continued(encoded.data, reduction)
        pixels = _opencv(encoded.data, _RGB | _REDUCED[reduction])
        if pixels is not None:
            return Decoded(pixels.astype(np.uint8, copy=False))
        if encoded.media_type == "image/bmp":
            raise ImageError("the image is damaged: its run lengths do not fit its size")
    if encoded.way == "deep":
        values = _opencv(encoded.data, cv2.IMREAD_UNCHANGED)
        if values is not None and values.shape[:2] == (encoded.height, encoded.width):
            return _from_values(values, encoded)
    if encoded.way == "planes":
        size = (encoded.height, encoded.width)
        values = read_planes(encoded.data, size, lambda grey: _opencv(grey, cv2.IMREAD_UNCHANGED))
        return _from_values(values, encoded)
    decoded = _decode_with_pillow(encoded)
    if encoded.way == "deep" and encoded.media_type == "image/tiff":
        raise ImageError(  # Pillow's values are others where it reads such a TIFF
            "the image is damaged, or its compression is not read at this depth; "
            "save it with deflate, or as RGB of 8 bits"
        )
    return decoded


def _from_values(values: NDArray[Any], encoded: Encoded) -> Decoded:
    return from_values(values[:, :, :3] if encoded.opaque else values)


def _opencv(data: bytes, flags: int) -> NDArray[np.generic] | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        return None


def _decode_continued(data: bytes, reduction: int) -> Decoded:
    """A JPEG without its end marker; OpenCV would fill one that is cut off up with grey."""
    whole = data.rstrip(b"\xff")
    first, *others = (
        _opencv(whole + more + END, _RGB | _REDUCED[reduction]) for more in CONTINUATIONS
    )
    if first is None or not all(
        np.array_equal(first, other) for other in others if other is not None
    ):
        raise ImageError("the image is damaged: it is cut off")
    return Decoded(first.astype(np.uint8, copy=False), ("its end marker is missing",))


def _decode_with_pillow(encoded: Encoded) -> Decoded:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(encoded.data), formats=(_NAMES[encoded.media_type],))
        image.load()
        return from_image(image)
