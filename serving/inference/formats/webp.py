"""WebP (RFC 9649)."""

from __future__ import annotations

from serving.inference.formats.directory import orientation
from serving.inference.formats.encoded import Encoded, ImageError, Way, unpack

_MOST_CHUNKS = 16_384
_START = 12
_ANIMATION, _ALPHA = 0x02, 0x10
_ANIMATED_BYTES = 16  # two frames as libwebp keeps them, two as Pillow does
_PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}


def read(data: bytes) -> Encoded:
    """Reads a WebP; its texts and profiles are left out."""
    first = data[_START : _START + 4]
    width, height, flags = _size(data, first)
    kept: list[bytes] = []
    turn: int | None = None
    place = _START
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(data):
            break
        [length] = unpack("<I", data, place + 4)
        name, end = data[place : place + 4], place + 8 + length + length % 2
        if name in _PIXELS:
            kept.append(data[place:end])
        if name == b"EXIF" and turn is None:  # further ones do not count
            exif = data[place + 8 : end]
            turn = orientation(exif.removeprefix(b"Exif\x00\x00"))
        place = end
    else:
        raise ImageError(f"the image has more than {_MOST_CHUNKS} chunks")
    if first == b"VP8X":  # it announces what stayed behind
        kept[0] = kept[0][:8] + bytes([flags]) + kept[0][9:]
    body = b"WEBP" + b"".join(kept)
    still: Way = "deep" if flags & _ALPHA else "plain"
    return Encoded(
        "image/webp",
        width,
        height,
        b"RIFF" + len(body).to_bytes(4, "little") + body,
        way="pillow" if flags & _ANIMATION else still,
        orientation=turn or 1,
        sample_bytes=_ANIMATED_BYTES if flags & _ANIMATION else 4,
    )


def _size(data: bytes, first: bytes) -> tuple[int, int, int]:
    """Width, height, and the flags for animation and alpha."""
    content = _START + 8
    if first == b"VP8X":
        flags = data[content]
        low, high, low2, high2 = unpack("<HBHB", data, content + 4)
        size = (1 + low + (high << 16), 1 + low2 + (high2 << 16))
        return *size, flags & (_ANIMATION | _ALPHA)
    if first == b"VP8L":
        [bits] = unpack("<I", data, content + 1)
        alpha = _ALPHA if bits >> 28 & 1 else 0
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), alpha
    if first == b"VP8 ":
        width, height = unpack("<HH", data, content + 6)
        return width & 0x3FFF, height & 0x3FFF, 0
    raise ImageError("the image's header is damaged: it has no pixels")
