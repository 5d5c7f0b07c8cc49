"""GIF (CompuServe, version 89a)."""

from __future__ import annotations

from collections.abc import Iterator

from serving.inference.formats.encoded import Encoded, ImageError, unpack

_MOST_BLOCKS = 16_384
_HEADER = 13
_EXTENSION, _IMAGE, _CONTROL = 0x21, 0x2C, 0xF9


def read(data: bytes) -> Encoded:
    """Reads a GIF up to its first image; comments and the like are left out."""
    width, height, flags = unpack("<HHB", data, 6)
    start = _HEADER + _table(flags)
    place, control = start, b""
    blocks = iter(range(_MOST_BLOCKS))
    for _ in blocks:
        kind = data[place]
        if kind == _IMAGE:
            break
        if kind != _EXTENSION:
            raise ImageError("the image's header is damaged: a block is unknown")
        end = _after_blocks(data, place + 2, blocks)
        if data[place + 1] == _CONTROL:
            control = data[place:end]
        place = end
    else:
        raise ImageError(f"the image has more than {_MOST_BLOCKS} blocks before its pixels")
    left, top, own_width, own_height = unpack("<HHHH", data, place + 1)
    return Encoded(
        "image/gif",
        max(width, left + own_width),
        max(height, top + own_height),
        b"".join([data[:start], control, data[place:]]),
    )


def _table(flags: int) -> int:
    """Bytes of the colour table that flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int, blocks: Iterator[int]) -> int:
    """The place after an extension's blocks, of which so many more may come."""
    for _ in blocks:
        if data[place] == 0:
            return place + 1
        place += data[place] + 1
    raise ImageError(f"the image has more than {_MOST_BLOCKS} blocks before its pixels")
