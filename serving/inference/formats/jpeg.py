"""JPEG (ISO 10918-1, annex B)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from serving.inference.formats.directory import orientation
from serving.inference.formats.encoded import Encoded, ImageError, unpack

_MOST_SEGMENTS = 1024
_MOST_SCANS = 100
END = b"\xff\xd9"
_SOS = 0xDA
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xDA)}
_TEXTS = {*range(0xE0, 0xF0), 0xFE}
_FILL = b"\xff" * 1024
_EXIF = b"Exif\x00\x00"


class _Header(NamedTuple):
    """What stands before the scans.

    Attributes:
        frame: Bits of a sample, height, width and channels.
        orientation: EXIF's; 1 for none.
        kept: The parts that a decoder needs.
        end: Where the first scan starts, or a file's first bytes end.
    """

    frame: tuple[int, ...]
    orientation: int
    kept: list[bytes]
    end: int


def read(data: bytes) -> Encoded:
    """Reads a JPEG up to its first scan, and counts the scans; what follows its end is left out.

    A decoder goes over all pixels once for every scan, however few bytes it has.
    """
    header = _read_header(data)
    end = data.find(END, header.end)
    pixels = data[header.end : len(data) if end < 0 else end + len(END)]
    scans = require_few_scans(pixels)
    precision, height, width, channels = header.frame
    if precision != 8:
        raise ImageError(f"a JPEG of {precision} bits is not read")
    return Encoded(
        "image/jpeg",
        width,
        height,
        b"".join([*header.kept, pixels]),
        way="plain" if channels in (1, 3) else "pillow",
        orientation=header.orientation,
        passes=scans,
        lacks_end=not pixels.endswith(END),
    )


def _read_header(data: bytes) -> _Header:
    kept = [data[:2]]
    frame: tuple[int, ...] = ()
    turn = 1
    for marker, start, end in _segments(data):
        if marker == _SOS:
            if not frame:
                raise ImageError("the image's header is damaged: it has no size")
            return _Header(frame, turn, kept, start)
        content = data[start + 4 : start + 16]
        if marker in _FRAMES:
            frame = frame or unpack(">xxBHHB", data, start + 2)
        if marker == 0xE1 and content.startswith(_EXIF):
            turn = orientation(data[start + 10 : end]) if turn == 1 else turn
        if marker not in _TEXTS or _tells_the_colours(marker, content):
            kept.append(data[start:end])
        if frame and end >= len(data):  # a file's first bytes, which tell its size
            return _Header(frame, turn, kept, len(data))
    raise ImageError(f"the image has more than {_MOST_SEGMENTS} segments before its pixels")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The segments to the first scan's: the marker of each, where it starts, and where it ends."""
    place = 2
    for _ in range(_MOST_SEGMENTS):
        marker, place = _marker(data, data.find(b"\xff", place))
        if marker in _ALONE or marker == 0:
            continue
        if marker == _SOS:
            yield marker, place - 2, place
            return
        [length] = unpack(">H", data, place)
        yield marker, place - 2, place + length
        place += length


def require_few_scans(pixels: bytes) -> int:
    """The number of scans, at least one.

    Raises:
        ImageError: There are more than are decoded.
    """
    scans = pixels.count(b"\xff\xda")
    if scans > _MOST_SCANS:
        raise ImageError(f"the image has more than {_MOST_SCANS} scans")
    return max(1, scans)


def _marker(data: bytes, place: int) -> tuple[int, int]:
    """The marker at a place, and the place after it; any number of 0xFF may stand before it."""
    if place < 0:
        raise ImageError("the image's header is cut off")
    while data.startswith(_FILL, place):  # a fast way over many
        place += len(_FILL)
    while data[place] == 0xFF:
        place += 1
    return data[place], place + 1


def _tells_the_colours(marker: int, content: bytes) -> bool:
    return (marker == 0xE0 and content.startswith(b"JFIF\x00")) or (
        marker == 0xEE and content.startswith(b"Adobe")
    )
