"""What an encoded image says of its values that its decoded pixels do not."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_BIT_DEPTH_OF_PNG = slice(24, 25)
_DEEP = b"\x10"
_PNG, _TIFF = b"\x89PNG", (b"II*\x00", b"MM\x00*")
_WHOLE = 65535
_USED = 0.25
"""The share of 16 bits that 14 use; more is taken for 16."""
_EMPTY = np.zeros(0, np.uint8)


def values_of(content: bytes) -> str:
    """Says what is unusual about the values of an image of more than 8 bits."""
    values = _deep_values(content)
    largest = float(np.nan_to_num(values).max(initial=0))
    if values.dtype.kind == "f":
        return f"floats of 0 to {largest:.3g}, read as 0 to 255" if 0 < largest <= 1 else ""
    if 0 < largest <= _USED * _WHOLE:
        share = f"{100 * largest / _WHOLE:.0f} %" if largest > _WHOLE / 100 else "under 1 %"
        return f"values up to {largest:.0f}, {share} of the range of 16 bits"
    return ""


def _deep_values(content: bytes) -> NDArray[Any]:
    """The values of an image of more than 8 bits, without transparency; none of another."""
    is_deep_png = content.startswith(_PNG) and content[_BIT_DEPTH_OF_PNG] == _DEEP
    if not is_deep_png and not content.startswith(_TIFF):
        return _EMPTY
    try:
        values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return _EMPTY
    if values is None or values.dtype == np.uint8:
        return _EMPTY
    return np.atleast_3d(values)[..., :3]
