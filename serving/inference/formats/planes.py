"""TIFFs whose channels lie apart (PlanarConfiguration 2), which OpenCV takes for interleaved."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.inference.formats.directory import ORIENTATION, Entry, read_directory
from serving.inference.formats.encoded import ImageError, unpack

_SAMPLES, _PHOTOMETRIC = 277, 262
# Width, height, bits, compression, fill order, orientation, rows of a strip, predictor, sides of a
# tile, and the values' format.
_KEPT = (256, 257, 258, 259, 266, ORIENTATION, 278, 317, 322, 323, 339)
_PLACES = ((273, 279), (324, 325))
"""Where strips and tiles are, and their lengths: all of one plane, then all of the next."""
_GREY = 1
_PLACE_OF = (2, 1, 0, 3)
"""Of red, green, blue and alpha."""


def read_planes(
    data: bytes, size: tuple[int, int], read: Callable[[bytes], NDArray[Any] | None]
) -> NDArray[Any]:
    """Reads each channel as a grey TIFF: the same bytes with another directory.

    Args:
        data: A TIFF of three or four channels that was found sound, with few strips or tiles.
        size: Height and width.
        read: Reads a grey TIFF; None where it cannot.

    Returns:
        BGR or BGRA values.

    Raises:
        ImageError: The channels have no equal number of strips or tiles, or cannot be read.
    """
    directory = read_directory(data)
    channels = _first(data, directory[_SAMPLES])
    common: dict[int, Sequence[int]] = {
        tag: [_first(data, directory[tag])] for tag in _KEPT if tag in directory
    }
    common |= {_PHOTOMETRIC: [_GREY], _SAMPLES: [1]}
    places = _places(data, directory)
    joined: NDArray[Any] = np.empty(0)
    for channel in range(channels):
        own = {tag: _part(values, channel, channels) for tag, values in places.items()}
        grey = read(_with_directory(data, common | own))
        if grey is None or grey.shape != size:
            raise ImageError(f"the image is damaged: its channel {channel + 1} cannot be read")
        if channel == 0:
            joined = np.empty((*size, channels), grey.dtype)
        joined[..., _PLACE_OF[channel]] = grey
    return joined


def _first(data: bytes, entry: Entry) -> int:
    value = entry.first(data)
    if value is None or value < 0:
        raise ImageError("the image's directory is damaged: a count in it is none")
    return value


def _places(data: bytes, directory: Mapping[int, Entry]) -> dict[int, tuple[int, ...]]:
    for tags in _PLACES:
        found = {tag: directory[tag].values(data) for tag in tags if tag in directory}
        if len(found) == len(tags):
            return found
    raise ImageError("the image's directory is damaged: its strips or tiles have no lengths")


def _part(values: tuple[int, ...], channel: int, channels: int) -> tuple[int, ...]:
    count, rest = divmod(len(values), channels)
    if rest or not count:
        raise ImageError("the image's directory is damaged: its channels differ in strips or tiles")
    return values[channel * count : (channel + 1) * count]


def _with_directory(data: bytes, tags: Mapping[int, Sequence[int]]) -> bytes:
    """The same bytes with a directory of unsigned integers at their end, as the first."""
    order = "<" if data[:2] == b"II" else ">"
    big = unpack(order + "H", data, 2)[0] == 43
    word, kind, count = ("Q", 16, "Q") if big else ("I", 4, "H")
    size = struct.calcsize(order + word)
    start = len(data) + -len(data) % 8
    arrays = start + struct.calcsize(order + count) + len(tags) * (4 + 2 * size) + size
    entries, ends = b"", b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{word}", *values)
        if len(values) > 1:
            ends, packed = ends + packed, struct.pack(order + word, arrays + len(ends))
        entries += struct.pack(f"{order}HH{word}", tag, kind, len(values)) + packed
    head = data[:8] if big else data[:4]
    head += struct.pack(order + word, start)
    directory = struct.pack(order + count, len(tags)) + entries + bytes(size) + ends
    return head + data[len(head) :] + bytes(start - len(data)) + directory
