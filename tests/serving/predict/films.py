"""Videos, made here."""

from __future__ import annotations

from pathlib import Path

import cv2

from tests.serving.images import paint

SIZE = (640, 512)


def film(path: Path, frames: int) -> Path:
    """A video of a red square that moves to the right, at 10 frames a second."""
    codec = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, 10, SIZE)
    for number in range(frames):
        frame = paint(*SIZE, ("red", 64 * number, 128, 64))
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path
