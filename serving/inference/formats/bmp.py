"""BMP."""

from __future__ import annotations

from serving.inference.formats.encoded import Encoded, Way, unpack

_CORE_HEADER = 12
_RUN_LENGTHS = {1, 2}


def read(data: bytes) -> Encoded:
    """Reads a BMP's header; run lengths are OpenCV's, for Pillow reads them in Python."""
    [header] = unpack("<I", data, 14)
    if header == _CORE_HEADER:
        width, height = unpack("<HH", data, 18)
        return Encoded("image/bmp", width, height, data)
    width, height, _, _, compression = unpack("<iiHHI", data, 18)
    way: Way = "plain" if compression in _RUN_LENGTHS else "pillow"
    return Encoded("image/bmp", width, abs(height), data, way=way)
