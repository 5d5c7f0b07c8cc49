"""Task on one image: read, decode, detect, draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.inference import decoding, draw
from serving.inference.decoding import ImageError
from serving.inference.pixels import Pixels
from serving.inference.sources import MAX_PIXELS
from serving.predict.formats.records import ImageRecord
from serving.predict.inputs.errors import InputError
from serving.predict.inputs.item import Item
from serving.predict.made import write_crops, write_drawing
from serving.predict.models import Model


@dataclass(frozen=True)
class Task:
    """An image to work on.

    Attributes:
        item: The image.
        place: What its files are called.
        kept: Where it is in the journal, if it is there already.
    """

    item: Item
    place: str
    kept: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an image.

    Attributes:
        task: The image.
        record: What was found in it; None where that is kept, or where it failed.
        drawn: The frame of a video with its boxes.
        failure: Why it failed, in one line.
    """

    task: Task
    record: ImageRecord | None = None
    drawn: Pixels | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Worker:
    """Works on images. Threads share it.

    Attributes:
        model: Finds objects.
        folder: Where files are written that are made of an image's pixels.
        made: Which of them: ``draw``, ``crop``.
    """

    model: Model
    folder: Path | None = None
    made: tuple[str, ...] = ()

    def work(self, task: Task) -> Outcome:
        """Looks at an image; one that cannot be read is an outcome, too.

        Raises:
            EngineError: The network failed.
            OSError: A file cannot be written.
        """
        if task.kept is not None:
            return Outcome(task)
        try:
            return self._outcome(task)
        except (ImageError, InputError) as error:
            return Outcome(task, failure=f"{task.item.name}: {error}")

    def _outcome(self, task: Task) -> Outcome:
        image = _load(task.item)
        pixels = self._pixels(image)
        found = self.model.find(image, pixels)
        record = ImageRecord(
            name=task.item.name,
            stamp=task.item.stamp,
            place=task.place,
            made=self.made,
            image=found.image,
            detections=found.detections,
        )
        drawn = None if pixels is None else self._make(task, record, pixels)
        return Outcome(task, record, drawn)

    def _pixels(self, image: bytes | Pixels) -> Pixels | None:
        """The pixels, where files are made of them."""
        if not self.made:
            return None
        return decoding.decode(image, MAX_PIXELS) if isinstance(image, bytes) else image

    def _make(self, task: Task, record: ImageRecord, pixels: Pixels) -> Pixels | None:
        assert self.folder is not None
        if "crop" in self.made:
            write_crops(self.folder, record, pixels)
        if "draw" not in self.made:
            return None
        if task.item.clip is not None:
            return np.asarray(draw.annotate(pixels, record.detections), np.uint8)
        write_drawing(self.folder, record, pixels)
        return None


def _load(item: Item) -> bytes | Pixels:
    """Reads an image.

    Raises:
        ImageError: It is not an image.
        InputError: It cannot be read.
    """
    try:
        return item.load()
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
