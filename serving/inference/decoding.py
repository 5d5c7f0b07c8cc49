"""Decodes images."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
SWAPPING_ORIENTATIONS = {5, 6, 7, 8}
_ORIENTATION_TAG = 0x0112
_END_OF_JPEG = b"\xff\xd9"
_BIT_DEPTH_OF_PNG = 24  # its offset
_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
# The names speak of grey, and the bits of the factor alone.
_REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_PILLOWS_LIMIT = Lock()

# Of damaged images this module's errors say what is wrong, and no line of OpenCV's.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

WidthHeight = tuple[int, int]


class ImageError(Exception):
    """The bytes cannot be read as an image; the message is one line that says why."""


class UnsupportedImageError(ImageError):
    """The bytes are in none of the formats in ``FORMATS``."""


class ImageTooLargeError(ImageError):
    """The image has more pixels than allowed."""


@dataclass(frozen=True)
class Header:
    """What an image's first bytes say, read without decoding it.

    Attributes:
        media_type: For example ``image/jpeg``.
        width: In pixels, upright.
        height: In pixels, upright.
        orientation: EXIF's, by which the stored pixels are turned; 1 for none.
    """

    media_type: str
    width: int
    height: int
    orientation: int = 1


def read_header(data: bytes, max_pixels: int) -> Header:
    """Reads format and size, and decodes no pixel.

    Args:
        data: An encoded image.
        max_pixels: Most pixels (width × height) allowed.

    Raises:
        UnsupportedImageError: The format is none of ``FORMATS``.
        ImageTooLargeError: The image has more pixels than ``max_pixels``.
        ImageError: The header is damaged.
    """
    with _open(data, max_pixels) as image:
        width, height = _upright_size(image)
        media_type = Image.MIME.get(image.format or "", "image/jpeg")
        return Header(media_type, width, height, _orientation(image))


def decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Decodes an image: first frame, EXIF orientation applied.

    16-bit greys are scaled to 8 bits; transparent pixels are laid over white.

    Args:
        data: An encoded image in one of ``FORMATS``.
        max_pixels: Most pixels (width × height) allowed; checked before decoding.

    Returns:
        RGB pixels, uint8, shape (height, width, 3).

    Raises:
        UnsupportedImageError: The format is none of ``FORMATS``.
        ImageTooLargeError: The image has more pixels than ``max_pixels``.
        ImageError: The image is damaged.
    """
    with _open(data, max_pixels) as image:
        return _decode(data, image, reduction=1)


def decode_reduced(
    data: bytes, max_pixels: int, target: Callable[[WidthHeight], WidthHeight]
) -> tuple[NDArray[np.uint8], WidthHeight]:
    """Decodes an image that will be scaled down.

    A JPEG is decoded at a half, quarter or eighth of its size where that is a whole number of
    pixels and no smaller than the target: so libjpeg computes fewer pixels. It averages those it
    leaves out, where ``decode`` and a bilinear resize would pass over some.

    Args:
        data: An encoded image in one of ``FORMATS``.
        max_pixels: Most pixels (width × height) allowed; checked before decoding.
        target: Says what size an image of a size, both upright, will be scaled to.

    Returns:
        RGB pixels, uint8, shape (height, width, 3); and the image's own size, upright.

    Raises:
        ImageError: As for ``decode``.
    """
    with _open(data, max_pixels) as image:
        size = _upright_size(image)
        return _decode(data, image, _reduction(size, target(size))), size


def from_pillow(image: Image.Image) -> NDArray[np.uint8]:
    """Returns a Pillow image's pixels as ``decode`` does those of its file.

    Raises:
        ImageError: The image is damaged.
    """
    try:
        return _upright(np.asarray(_to_rgb(image)), _orientation(image))
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


def _decode(data: bytes, image: Image.Image, reduction: int) -> NDArray[np.uint8]:
    try:
        pixels = _decode_plain(data, image, reduction)
        if pixels is None:
            image.load()
            pixels = np.asarray(_to_rgb(image))
        return _upright(pixels, _orientation(image))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds on damaged input
        raise ImageError(f"the image is damaged: {error}") from error


def _decode_plain(data: bytes, image: Image.Image, reduction: int) -> NDArray[np.uint8] | None:
    """Decodes common images with OpenCV: the pixels are Pillow's, in less time.

    None for other images, and for damaged ones, of which Pillow says what is wrong.
    """
    if not _is_plain(data, image):
        return None
    encoded = np.frombuffer(data, np.uint8)
    reduced = _REDUCED[reduction if image.format in {"JPEG", "MPO"} else 1]
    pixels = cv2.imdecode(encoded, _RGB | reduced)
    return None if pixels is None else pixels.astype(np.uint8, copy=False)


def _is_plain(data: bytes, image: Image.Image) -> bool:
    """Whether this is a JPEG or a still PNG of opaque 8-bit colour or grey."""
    if image.mode not in {"RGB", "L"} or image.has_transparency_data:
        return False
    if image.format == "PNG":
        return data[_BIT_DEPTH_OF_PNG] == 8 and not getattr(image, "is_animated", False)
    # OpenCV fills a JPEG that is cut off up with grey.
    return image.format in {"JPEG", "MPO"} and data.endswith(_END_OF_JPEG)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    _raise_pillows_limit(max_pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=tuple(FORMATS))
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"the image has more than {max_pixels} pixels") from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except Exception as error:
        raise ImageError(f"the image's header is damaged: {error}") from error
    if image.width * image.height > max_pixels:
        raise ImageTooLargeError(
            f"the image has {image.width} × {image.height} pixels, more than {max_pixels}"
        )
    return image


def _raise_pillows_limit(max_pixels: int) -> None:
    """Lets Pillow open what is allowed here; all threads share its limit, so it is only raised."""
    with _PILLOWS_LIMIT:
        if Image.MAX_IMAGE_PIXELS is not None:
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)


def _unidentified(data: bytes) -> ImageError:
    if sniff(data) is None:
        return UnsupportedImageError("not a JPEG, PNG, WebP, BMP, TIFF or GIF image")
    return ImageError("the image's header is damaged")


def sniff(data: bytes) -> str | None:
    """Returns the media type that the first bytes promise, or None."""
    signatures = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"BM": "image/bmp",
        b"II*\x00": "image/tiff",
        b"MM\x00*": "image/tiff",
        b"GIF87a": "image/gif",
        b"GIF89a": "image/gif",
    }
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in signatures.items() if data.startswith(start)), None)


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":  # Pillow turns TIFF upright by itself
        return 1
    if image.format == "PNG" and "exif" not in image.info:  # getexif would decode it
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1


def _upright_size(image: Image.Image) -> WidthHeight:
    width, height = image.size
    swaps = _orientation(image) in SWAPPING_ORIENTATIONS
    return (height, width) if swaps else (width, height)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        return _from_deep_grey(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    grey = np.asarray(image).astype(np.float64)
    scale = 1.0 if image.mode == "F" and grey.max(initial=0) <= 255 else 257.0
    grey8 = np.clip(grey / scale + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(grey8).convert("RGB")


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation == 1:
        return pixels
    rgb = Image.fromarray(pixels)
    rgb.getexif()[_ORIENTATION_TAG] = orientation
    return np.asarray(ImageOps.exif_transpose(rgb))
