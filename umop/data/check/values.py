"""What an encoded image says of its values that its decoded pixels do not."""

from __future__ import annotations

import io
import warnings
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I", "F")
_BIT_DEPTH_OF_PNG = 24  # its offset
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
    if content.startswith(_PNG) and content[_BIT_DEPTH_OF_PNG : _BIT_DEPTH_OF_PNG + 1] == b"\x10":
        values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        return (
            _EMPTY
            if values is None
            else np.asarray(values if values.ndim == 2 else values[..., :3])
        )
    if not content.startswith(_TIFF):
        return _EMPTY
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as image:
            warnings.simplefilter("ignore")
            return np.asarray(image) if image.mode in _DEEP_MODES else _EMPTY
    except (OSError, ValueError, SyntaxError):
        return _EMPTY
