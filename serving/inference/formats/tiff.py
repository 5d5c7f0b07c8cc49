"""TIFF (Adobe, revision 6.0) and BigTIFF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.inference.formats.directory import (
    ORIENTATION,
    SWAPPING_ORIENTATIONS,
    Entry,
    read_directory,
)
from serving.inference.formats.encoded import Encoded, ImageError, ImageTooLargeError, Way
from serving.inference.formats.jpeg import require_few_scans

_MOST_STRIPS = 65_536
_MOST_TILE_PIXELS = 2**25
"""Most pixels of a tile; and of all tiles, those beyond the image's edges included, unless they are
at most four times the image's."""
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 273, 322, 323, 324
_PHOTOMETRIC, _PLANAR, _EXTRA, _SAMPLE_FORMAT = 262, 284, 338, 339
_COMPRESSION, _STRIP_BYTES, _TILE_BYTES = 259, 279, 325
_OLD_JPEG, _JPEG = 6, 7
_NONE = Entry("", 0, 0, 0)
_ZERO_IS_WHITE, _ZERO_IS_BLACK, _RGB, _LAB = 0, 1, 2, 8
_GREY = {_ZERO_IS_WHITE, _ZERO_IS_BLACK}
_SEPARATE = 2
_UNSIGNED, _FLOAT = 1, 3
_NO_ALPHA, _PREMULTIPLIED, _ALPHA = 0, 1, 2
_COUNTS = {
    *(_WIDTH, _HEIGHT, _BITS, _SAMPLES, _PHOTOMETRIC, _PLANAR, _EXTRA, _SAMPLE_FORMAT),
    *(_STRIP_OFFSETS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS),
    *(_COMPRESSION, _STRIP_BYTES, _TILE_BYTES),
}
"""What is decided by here: of two entries Pillow takes the last and libtiff the first."""


@dataclass(frozen=True)
class _Sample:
    """What the values of a TIFF are."""

    channels: int
    bits: int
    format: int
    photometric: int
    extra: int | None

    @property
    def opaque(self) -> bool:
        """Whether a fourth channel is no alpha, such as infrared."""
        return (self.channels, self.photometric, self.extra) == (4, _RGB, _NO_ALPHA)

    def way(self, *, apart: bool, big_endian: bool) -> Way:
        """Returns which decoder reads them rightly.

        Args:
            apart: Whether each channel lies in a plane of its own.
            big_endian: Whether a value's first byte is its highest.

        Raises:
            ImageError: None does: zero is white, the colours are multiplied by alpha, several
                channels are grey, or the planes are of unusual values.
        """
        multiplied = self.extra == _PREMULTIPLIED and self.channels in (2, 4)
        if multiplied and (apart or self.bits > 8 or self.channels == 2):
            raise ImageError(
                "a TIFF whose colours are multiplied by alpha (ExtraSamples 1) is not read, unless "
                "it is RGB of 8 bits with interleaved channels; save it without alpha"
            )
        if apart and self.channels == 2:
            return self._planes()
        if self.bits <= 8 or (self.bits == 64 and self.format != _FLOAT):
            return "pillow"  # which says of integers of 64 bits that none are read
        if self.photometric == _ZERO_IS_WHITE and self.format != _FLOAT:
            raise ImageError(
                f"a TIFF of {self.bits} bits whose zero is white is not read; "
                "save it with zero as black"
            )
        if self.channels > 1:
            return self._planes() if apart else self._interleaved()
        # Pillow gives unsigned values of 32 bits a sign, swaps some big-endian ones twice, and
        # reads no floats of 64 bits.
        unlike = big_endian or self.bits == 64 or (self.bits, self.format) == (32, _UNSIGNED)
        return "deep" if self.photometric in _GREY and unlike else "pillow"

    def _interleaved(self) -> Way:
        # OpenCV drops a second channel of 16 bits, and makes grey of three.
        is_dropped = (self.channels, self.bits) == (2, 16) and self.extra != _ALPHA
        is_unread = self.channels == 2 or self.bits == 16
        if self.photometric in _GREY and is_unread and not is_dropped:
            raise ImageError(
                f"a TIFF of {self.channels} channels of {self.bits} bits that is said to be grey "
                f"(PhotometricInterpretation {self.photometric}) is not read; "
                "save it as RGB, or with one channel"
            )
        is_lab = (self.photometric, self.bits, self.format) == (_LAB, 16, _UNSIGNED)
        return "deep" if is_lab or self.photometric in {_RGB, *_GREY} else "pillow"

    def _planes(self) -> Way:
        usual = self.bits in (16, 32) and (self.bits, self.format) != (16, _FLOAT)
        if not usual or self.channels < 3 or self.photometric != _RGB:
            raise ImageError(
                f"a TIFF of {self.channels} channels of {self.bits} bits that lie apart "
                "(PlanarConfiguration 2) is not read, unless they are RGB of 8, 16 or 32 bits; "
                "save it with interleaved channels"
            )
        return "planes"


def read(data: bytes) -> Encoded:
    """Reads a TIFF's first directory; its decoders turn the image upright."""
    directory = read_directory(data, once=_COUNTS)

    def first(tag: int, default: int) -> int:
        entry = directory.get(tag)
        value = entry.first(data) if entry else default
        if value is None or value < 0:
            raise ImageError(f"the image's directory is damaged: its tag {tag} is no count")
        return value

    for tag in (_STRIP_OFFSETS, _TILE_OFFSETS, _STRIP_BYTES, _TILE_BYTES):
        if directory.get(tag, _NONE).count > _MOST_STRIPS:
            raise ImageError(f"the image has more than {_MOST_STRIPS} strips or tiles")
    size = (first(_WIDTH, 0), first(_HEIGHT, 0))
    _require_few_tiles(size, (first(_TILE_WIDTH, 0), first(_TILE_HEIGHT, 0)))
    channels, bits = first(_SAMPLES, 1), first(_BITS, 1)
    if channels > 4:
        raise ImageError(f"the image has {channels} channels, and 1 to 4 are read")
    sample = _Sample(
        channels,
        bits,
        format=first(_SAMPLE_FORMAT, _UNSIGNED),
        photometric=first(_PHOTOMETRIC, _ZERO_IS_BLACK),
        extra=first(_EXTRA, 0) if directory.get(_EXTRA, _NONE).count else None,
    )
    width, height = size[::-1] if first(ORIENTATION, 1) in SWAPPING_ORIENTATIONS else size
    return Encoded(
        "image/tiff",
        width,
        height,
        data,
        way=sample.way(apart=first(_PLANAR, 1) == _SEPARATE, big_endian=data[:2] == b"MM"),
        sample_bytes=max(4, channels * bits // 8),
        opaque=sample.opaque,
        passes=_passes(data, directory, first(_COMPRESSION, 1)),
    )


def _passes(data: bytes, directory: Mapping[int, Entry], compression: int) -> int:
    """How often a decoder goes over the pixels: once, or for each scan of the JPEGs inside.

    Raises:
        ImageError: One has too many scans, or they overlap, so that counting takes long.
    """
    if compression == _OLD_JPEG:
        return require_few_scans(data)
    if compression != _JPEG:
        return 1
    spans = _spans(data, directory, _STRIP_OFFSETS, _STRIP_BYTES)
    spans |= _spans(data, directory, _TILE_OFFSETS, _TILE_BYTES)
    if sum(length for _, length in spans) > 2 * len(data):
        raise ImageError("the image's strips or tiles overlap")
    return max((require_few_scans(data[start : start + n]) for start, n in spans), default=1)


def _spans(
    data: bytes, directory: Mapping[int, Entry], offsets: int, lengths: int
) -> set[tuple[int, int]]:
    """Where each strip or tile starts, and its length."""
    starts = directory.get(offsets, _NONE).values(data)
    counts = directory.get(lengths, _NONE).values(data)
    if len(starts) != len(counts):
        raise ImageError("the image's directory is damaged: its strips or tiles have no lengths")
    return set(zip(starts, counts, strict=True))


def _require_few_tiles(size: tuple[int, int], tile: tuple[int, int]) -> None:
    """Bounds what is decoded of tiles: each as a whole, also beyond the image's edges."""
    if 0 in tile:
        return
    if tile[0] * tile[1] > _MOST_TILE_PIXELS:
        raise ImageTooLargeError(f"a tile of the image has more than {_MOST_TILE_PIXELS} pixels")
    width, height = (-(-side // step) * step for side, step in zip(size, tile, strict=True))
    if width * height > max(_MOST_TILE_PIXELS, 4 * size[0] * size[1]):
        raise ImageTooLargeError("the image's tiles have more than four times its pixels")
