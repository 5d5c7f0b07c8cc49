"""Reads images, for training as for serving."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Shape:
    """A box on an image, in its pixels.

    Attributes:
        kind: The class of CSS that it is drawn with.
        text: What it shows when it is pointed at.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    text: str = ""

    def scaled(self, scale: float) -> Shape:
        """The box on the image that is scaled."""
        x, y, width, height = (
            round(each * scale, 1) for each in (self.x, self.y, self.width, self.height)
        )
        return Shape(x, y, width, height, self.kind, self.text)


@dataclass(frozen=True)
class Thumbnail:
    """A small image for a page, with boxes.

    Attributes:
        image: A data URL; empty where the image cannot be read.
        width: In pixels.
        height: In pixels.
        shapes: The boxes.
    """

    image: str = ""
    width: int = 0
    height: int = 0
    shapes: tuple[Shape, ...] = ()

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], scale: float, shapes: Iterable[Shape]) -> Thumbnail:
        """Scales an image and its boxes.

        Args:
            pixels: RGB, uint8 of shape (H, W, 3).
            scale: Of the sides.
            shapes: The boxes, in pixels of the image.
        """
        height, width = pixels.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return cls(_data_url(pixels, size), *size, tuple(each.scaled(scale) for each in shapes))


def _data_url(pixels: NDArray[np.uint8], size: tuple[int, int]) -> str:
    """RGB pixels, resized to a width and height, as JPEG in a data URL."""
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, content = cv2.imencode(
        ".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY_IN_PAGES]
    )
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()
