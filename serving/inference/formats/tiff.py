"""TIFF (Adobe, revision 6.0) and BigTIFF."""

from __future__ import annotations

from serving.inference.formats.directory import ORIENTATION, Entry, read_directory
from serving.inference.formats.encoded import Encoded, ImageError, ImageTooLargeError

_MOST_STRIPS = 65_536
_MOST_TILE_PIXELS = 2**25
"""Most pixels of a tile; and of all tiles, those beyond the image's edges included, unless they are
at most four times the image's."""
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 273, 322, 323, 324
_PLANAR = 284
_SWAPPING = {5, 6, 7, 8}
_SEPARATE = 2
_COUNTS = {
    *(_WIDTH, _HEIGHT, _BITS, _SAMPLES, _PLANAR),
    *(_STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS),
}
"""What the limits are about: of two entries Pillow takes the last and libtiff the first."""


def read(data: bytes) -> Encoded:
    """Reads a TIFF's first directory; its decoders turn the image upright."""
    directory = read_directory(data, once=_COUNTS)

    def first(tag: int, default: int) -> int:
        entry = directory.get(tag)
        value = entry.first(data) if entry else default
        if value is None or value < 0:
            raise ImageError(f"the image's directory is damaged: its tag {tag} is no count")
        return value

    for tag in (_STRIP_OFFSETS, _TILE_OFFSETS):
        if directory.get(tag, Entry("", 0, 0, 0)).count > _MOST_STRIPS:
            raise ImageError(f"the image has more than {_MOST_STRIPS} strips or tiles")
    size = (first(_WIDTH, 0), first(_HEIGHT, 0))
    _require_few_tiles(size, (first(_TILE_WIDTH, 0), first(_TILE_HEIGHT, 0)))
    channels, bits = first(_SAMPLES, 1), first(_BITS, 1)
    if channels > 4:
        raise ImageError(f"the image has {channels} channels, and 1 to 4 are read")
    deep = bits > 8 and channels > 1 and first(_PLANAR, 1) != _SEPARATE
    width, height = size[::-1] if first(ORIENTATION, 1) in _SWAPPING else size
    return Encoded(
        "image/tiff",
        width,
        height,
        data,
        way="deep" if deep else "pillow",
        sample_bytes=max(4, channels * bits // 8),
    )


def _require_few_tiles(size: tuple[int, int], tile: tuple[int, int]) -> None:
    """Bounds what is decoded of tiles: each as a whole, also beyond the image's edges."""
    if 0 in tile:
        return
    if tile[0] * tile[1] > _MOST_TILE_PIXELS:
        raise ImageTooLargeError(f"a tile of the image has more than {_MOST_TILE_PIXELS} pixels")
    width, height = (-(-side // step) * step for side, step in zip(size, tile, strict=True))
    if width * height > max(_MOST_TILE_PIXELS, 4 * size[0] * size[1]):
        raise ImageTooLargeError("the image's tiles have more than four times its pixels")
