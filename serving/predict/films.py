"""Videos with boxes."""

from __future__ import annotations

import re
from pathlib import Path

import cv2

from serving.inference.pixels import Pixels
from serving.predict.inputs.errors import PredictError
from serving.predict.inputs.item import Clip
from serving.predict.made import FOLDERS

_SUFFIX = ".mp4"
_CODEC = "mp4v"


def film_of(folder: Path, place: str) -> Path:
    """Where the video of a frame with that place is: ``clip.mp4`` of ``clip.mp4/000120``."""
    video, _, frame = place.rpartition("/")
    number = re.sub(r"^\d+", "", frame)  # of two videos that would share their places
    return folder / FOLDERS["draw"] / f"{video.removesuffix(_SUFFIX)}{number}{_SUFFIX}"


class Films:
    """Writes videos of drawn frames, one after the other.

    A video is there once all of its frames are in it. One that is not is made anew.

    Args:
        folder: The results'.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clip: Clip | None = None
        self._film: _Film | None = None
        self._is_whole = True

    def add(self, clip: Clip | None, place: str, drawn: Pixels | None) -> None:
        """Adds a frame. An image that is no frame of the same video finishes that.

        Args:
            clip: The video that it is of; None for another image.
            place: The frame's.
            drawn: Its pixels; None for a frame that failed, or one that is there already.

        Raises:
            PredictError: OpenCV cannot write the video.
        """
        if clip != self._clip:
            self.finish()
            self._clip, self._is_whole = clip, True
        if clip is None or drawn is None:
            self._is_whole = False
            return
        if self._film is None:
            self._film = _Film(film_of(self._folder, place), clip.rate, drawn)
        self._film.add(drawn)

    def finish(self) -> None:
        """Ends the video of the frames so far."""
        if self._film is not None:
            self._film.close(keep=self._is_whole)
        self._film = None

    def abandon(self) -> None:
        """Deletes what was begun."""
        self._is_whole = False
        self.finish()


class _Film:
    """One video that is being written.

    Args:
        path: Where it goes once it is whole.
        rate: Frames a second.
        first: The first frame, for the size.
    """

    def __init__(self, path: Path, rate: float, first: Pixels) -> None:
        self._path = path
        self._part = path.with_name(f".{path.stem}.part{_SUFFIX}")
        self._size = (first.shape[1], first.shape[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        codec = cv2.VideoWriter.fourcc(*_CODEC)
        self._writer = cv2.VideoWriter(str(self._part), cv2.CAP_FFMPEG, codec, rate, self._size)
        if not self._writer.isOpened():
            raise PredictError(f"{path}: OpenCV cannot write this video")

    def add(self, frame: Pixels) -> None:
        """Adds a frame, RGB; one of another size is scaled."""
        if (frame.shape[1], frame.shape[0]) != self._size:
            frame = cv2.resize(frame, self._size).astype(frame.dtype)
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    def close(self, *, keep: bool) -> None:
        """Ends it; puts it in its place, or deletes it."""
        self._writer.release()
        if keep:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)
