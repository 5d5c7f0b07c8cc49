"""A perceptual hash, which is alike for images that look alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def difference_hash(pixels: NDArray[np.uint8], side: int, least_contrast: int = 0) -> bytes:
    """Whether each of ``side`` × ``side`` places of an image is darker than the next to its right.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        side: How many places a row and a column have.
        least_contrast: How far the sums of red, green and blue must lie apart.

    Returns:
        A bit for each place; nothing for an image of less contrast.
    """
    small = cv2.resize(pixels, (side + 1, side), interpolation=cv2.INTER_AREA)
    grey = small.astype(np.int32).sum(axis=2)
    if np.ptp(grey) < least_contrast:
        return b""
    return np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes()
