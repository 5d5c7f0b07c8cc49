"""What an encoded image's bytes say, read in bounds before any decoder sees them.

Each module reads one format: the size, how the pixels are turned, and where they are. It loops over
the file's blocks, of which it allows a limited number, and hands on only those that the pixels
need: texts, profiles, thumbnails and further images reach no decoder, so that decoding takes time
and memory only by the number of pixels.
"""

from __future__ import annotations

from serving.inference.formats import bmp, gif, jpeg, png, tiff, webp
from serving.inference.formats.encoded import (
    Encoded,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)

__all__ = [
    "Encoded",
    "ImageError",
    "ImageTooLargeError",
    "UnsupportedImageError",
    "inspect",
    "sniff",
]

_READERS = {
    "image/jpeg": jpeg.read,
    "image/png": png.read,
    "image/webp": webp.read,
    "image/bmp": bmp.read,
    "image/tiff": tiff.read,
    "image/gif": gif.read,
}
_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"BM": "image/bmp",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"II+\x00": "image/tiff",
    b"MM\x00+": "image/tiff",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


def sniff(data: bytes) -> str | None:
    """Returns the media type that the first bytes promise, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)


def inspect(data: bytes) -> Encoded:
    """Reads what an image's bytes say.

    Raises:
        UnsupportedImageError: The format is not one that is read.
        ImageError: The bytes are damaged, or of a kind that is not read.
    """
    media_type = sniff(data)
    if media_type is None:
        raise UnsupportedImageError(_unsupported(data))
    try:
        encoded = _READERS[media_type](data)
    except (IndexError, ValueError) as error:  # the data ends where a number should be
        raise ImageError("the image's header is damaged") from error
    if encoded.width < 1 or encoded.height < 1:
        raise ImageError("the image's header is damaged: it has no pixels")
    return encoded


def _unsupported(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC | _AVIF:
        name = "HEIC" if data[8:12] in _HEIC else "AVIF"
        return f"{name} is not read: convert the image to JPEG or PNG"
    return "not a JPEG, PNG, WebP, BMP, TIFF or GIF image"
