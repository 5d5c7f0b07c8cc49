"""Frames of a video."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from serving.inference.pixels import Pixels
from serving.inference.sources import MAX_PIXELS
from serving.predict.inputs.errors import InputError
from serving.predict.inputs.item import Clip, Item, broken, stamp_of

_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"}
_USUAL_RATE = 25.0
_ENOUGH = 0.9
"""Containers count frames roughly; one that gives fewer of them is cut off."""


# Of damaged videos the errors here say what is wrong, and no line of FFmpeg's. A playlist in place
# of a video leads to no address.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")


def is_video(name: str) -> bool:
    """Whether a file's name is that of a video."""
    return PurePosixPath(name).suffix.lower() in _SUFFIXES


@dataclass(frozen=True)
class Video:
    """A video file, which is decoded frame by frame.

    Attributes:
        path: The file.
        every: Each N-th frame is an image, from the first on.
        name: What it is called.
    """

    path: Path
    every: int
    name: str

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``."""
        try:
            yield from self._frames()
        except (InputError, OSError) as error:
            yield broken(self.name, error)

    def count(self) -> int:
        """See ``PathInput.count``."""
        try:
            with _opened(self.path) as capture:
                return -(-_declared(capture) // self.every)
        except InputError:
            return 1

    def _frames(self) -> Iterator[Item]:
        stamp = f"{stamp_of(self.path.stat())}-{self.every}"
        with _opened(self.path) as capture:
            rate = capture.get(cv2.CAP_PROP_FPS)
            clip = Clip(self.name, (rate if 0 < rate <= 1000 else _USUAL_RATE) / self.every)
            number = 0
            while capture.grab():
                if number % self.every == 0:
                    pixels = _pixels(capture)
                    name, load = f"{self.name}/{number:06d}", partial(_same, pixels)
                    yield Item(name, stamp, load, clip, is_file=False)
                number += 1
            declared = _declared(capture)
        if number < _ENOUGH * declared:
            raise InputError(f"only {number} of its {declared} frames can be read")
        if not number:
            raise InputError("has no frame that can be read")


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    """Opens a video whose frames are small enough.

    Raises:
        InputError: It cannot be read, or they are not.
    """
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise InputError("is not a video that can be read")
        sides = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if sides[0] * sides[1] > MAX_PIXELS:
            raise InputError(f"its frames have more than {MAX_PIXELS} pixels")
        yield capture
    finally:
        capture.release()


def _same(pixels: Pixels) -> Pixels:
    return pixels


def _declared(capture: cv2.VideoCapture) -> int:
    return max(0, round(capture.get(cv2.CAP_PROP_FRAME_COUNT)))


def _pixels(capture: cv2.VideoCapture) -> Pixels:
    is_read, frame = capture.retrieve()
    if not is_read:
        raise InputError("has a frame that cannot be decoded")
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
