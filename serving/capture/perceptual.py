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


def any_alike(hashes: NDArray[np.uint64], one: int) -> bool:
    """Whether one of many hashes is that of an image that looks like this one."""
    differing = np.bitwise_count(hashes ^ np.uint64(one))
    return bool((differing <= _MOST_BITS).any())
