"""Perceptual hashes, by which images that look alike are kept once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from serving.inference.difference_hash import difference_hash

_SIDE = 8
_MOST_BITS = 4
"""Most bits in which the hashes of images that look alike differ, of 64."""


def perceptual_hash(pixels: NDArray[np.uint8]) -> int:
    """The difference hash of an image, RGB of type uint8 and shape (H, W, 3), in 64 bits."""
    return int.from_bytes(difference_hash(pixels, _SIDE), "big")


def any_alike(hashes: NDArray[np.uint64], one: int) -> bool:
    """Whether one of many hashes is that of an image that looks like this one."""
    differing = np.bitwise_count(hashes ^ np.uint64(one))
    return bool((differing <= _MOST_BITS).any())
