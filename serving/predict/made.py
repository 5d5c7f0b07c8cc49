"""What is made of an image's pixels: drawings of the boxes, and what is inside of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from serving.inference import draw
from serving.inference.pixels import Pixels
from serving.predict.formats.records import ImageRecord
from serving.predict.writing import write_whole
from serving.schemas.detections import Box

FOLDERS = {"draw": "drawn", "crop": "crops"}
_JPEG = "image/jpeg"


def drawing_of(folder: Path, place: str) -> Path:
    """Where an image with its boxes is."""
    return folder / FOLDERS["draw"] / f"{place}.jpg"


def crops_of(folder: Path, record: ImageRecord) -> Iterator[Path]:
    """Where what is inside of each box is."""
    for number, found in enumerate(record.detections):
        yield folder / FOLDERS["crop"] / _plain(found.label) / f"{record.place}-{number}.jpg"


def write_drawing(folder: Path, record: ImageRecord, pixels: Pixels) -> None:
    """Writes an image with its boxes.

    Args:
        folder: The results'.
        record: What was found.
        pixels: The image's.

    Raises:
        ImageTooLargeError: It cannot be drawn or be a JPEG.
        OSError: It cannot be written.
    """
    drawn = draw.annotate(pixels, record.detections)
    write_whole(drawing_of(folder, record.place), [draw.encode(drawn, _JPEG)])


def write_crops(folder: Path, record: ImageRecord, pixels: Pixels) -> None:
    """Writes what is inside of each box, in a folder for each class.

    Args:
        folder: The results'.
        record: What was found.
        pixels: The image's.

    Raises:
        ImageTooLargeError: It cannot be a JPEG.
        OSError: It cannot be written.
    """
    for path, found in zip(crops_of(folder, record), record.detections, strict=True):
        cut = Image.fromarray(_inside(pixels, found.box))
        write_whole(path, [draw.encode(cut, _JPEG)])


def _inside(pixels: Pixels, box: Box) -> Pixels:
    """The pixels that a box touches, one at least."""
    height, width = pixels.shape[:2]
    left, top = min(int(box.x1), width - 1), min(int(box.y1), height - 1)
    right, bottom = max(left + 1, int(np.ceil(box.x2))), max(top + 1, int(np.ceil(box.y2)))
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _plain(label: str) -> str:
    """A class's name as that of a folder."""
    return re.sub(r"[^\w .-]", "_", label).strip(". ")[:100] or "_"
