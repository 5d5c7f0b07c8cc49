"""Reads images, for training as for serving."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.shared import ImageError, decode
from umop.system.errors import UserError

MAX_TRAINING_PIXELS = 2**30
_QUALITY_IN_PAGES = 80


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Reads an image with the decoder that serves: upright, transparency laid over white.

    Returns:
        RGB pixels, uint8 of shape (H, W, 3).

    Raises:
        UserError: The file is missing, or is no image.
    """
    try:
        return decode(path.read_bytes(), MAX_TRAINING_PIXELS)
    except (OSError, ValueError, ImageError) as error:  # of a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{path} cannot be read as an image: {reason}. Replace it, or take it out of the "
            "annotations; a run that was started with it needs another name then (--run)."
        ) from error


def read_bgr(path: Path) -> NDArray[np.uint8]:
    """Reads an image like :func:`read_rgb`, with the channels in mmdet's order."""
    return np.asarray(cv2.cvtColor(read_rgb(path), cv2.COLOR_RGB2BGR), np.uint8)


def data_url(pixels: NDArray[np.uint8], size: tuple[int, int]) -> str:
    """An image for a page: RGB pixels, resized to a width and height, as JPEG in a data URL."""
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, content = cv2.imencode(
        ".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY_IN_PAGES]
    )
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()
