"""TIFF (Adobe, revision 6.0) and BigTIFF."""

from __future__ import annotations

from serving.inference.formats.directory import ORIENTATION, Entry, read_directory
from serving.inference.formats.encoded import Encoded, ImageError, ImageTooLargeError

_MOST_STRIPS = 65_536
_MOST_TILE_PIXELS = 2**25
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 273, 322, 323, 324
_PLANAR = 284
_SWAPPING = {5, 6, 7, 8}
_SEPARATE = 2


def read(data: bytes) -> Encoded:
    """Reads a TIFF's first directory; its decoders turn the image upright."""
    directory = read_directory(data)

    def first(tag: int, default: int) -> int:
        entry = directory.get(tag)
        value = entry.first(data) if entry else None
        return default if value is None else value

    for tag in (_STRIP_OFFSETS, _TILE_OFFSETS):
        if directory.get(tag, Entry("", 0, 0, 0)).count > _MOST_STRIPS:
            raise ImageError(f"the image has more than {_MOST_STRIPS} strips or tiles")
    if first(_TILE_WIDTH, 0) * first(_TILE_HEIGHT, 0) > _MOST_TILE_PIXELS:
        raise ImageTooLargeError(f"a tile of the image has more than {_MOST_TILE_PIXELS} pixels")
    channels, bits = first(_SAMPLES, 1), first(_BITS, 1)
    if channels > 4:
        raise ImageError(f"the image has {channels} channels, and 1 to 4 are read")
    deep = bits > 8 and channels > 1 and first(_PLANAR, 1) != _SEPARATE
    size = (first(_WIDTH, 0), first(_HEIGHT, 0))
    width, height = size[::-1] if first(ORIENTATION, 1) in _SWAPPING else size
    return Encoded(
        "image/tiff",
        width,
        height,
        data,
        way="deep" if deep else "pillow",
        sample_bytes=max(4, channels * bits // 8),
    )
