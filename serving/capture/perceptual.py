"""Perceptual hashes, by which images that look alike are kept once."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 8
_MOST_BITS = 4
"""Most bits in which the hashes of images that look alike differ, of 64."""


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """The difference hash of an image: whether each of 8 × 8 places is darker than the next.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).

    Returns:
        64 bits.
    """
    small = cv2.resize(pixels, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA)
    grey = small.astype(np.int32).sum(axis=2)
    bits = np.packbits(grey[:, :-1] < grey[:, 1:])
    return int.from_bytes(bits.tobytes(), "big")


def looks_alike(one: int, other: int) -> bool:
    """Whether two hashes are those of images that look alike."""
    return (one ^ other).bit_count() <= _MOST_BITS
