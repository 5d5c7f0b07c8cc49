"""Chooses what is captured, and does the work beside the requests."""

from __future__ import annotations

import json
import logging
import os
import random
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Thread, get_native_id
from time import monotonic

import cv2

from serving.capture.bucket import CaptureBucket
from serving.capture.folder import CaptureFolder
from serving.capture.images import CapturedImages, Place
from serving.capture.perceptual import perceptual_hash
from serving.inference.decoding import ImageError, decode
from serving.observability.context import current
from serving.observability.metrics import Metrics
from serving.schemas.detections import DetectionResult
from serving.settings import Settings
from serving.storage import StorageError, is_address, local_path

_WAITING = 8
"""Most images that wait to be written."""
_NICENESS = 10
"""Of the thread that decodes and writes: requests come first."""
_QUALITY = 95
_TIDY_SECONDS = 3600.0
"""From one look for what is too old to the next."""
_DAY = 86_400
_START_SECONDS = 5.0
"""How long the start waits for a place that does not answer."""

_log = logging.getLogger(__name__)


class CaptureError(Exception):
    """Images cannot be captured; the message is one line that says why."""


@dataclass(frozen=True)
class _Job:
    image: bytes
    result: DetectionResult
    request: str


class Capture:
    """Keeps images of a share of requests, and of those with an uncertain box.

    A thread of its own decodes and writes. Where it does not keep up, images are left out and
    counted: an answer never waits.

    Args:
        settings: The folder or address, what is captured, and the bounds.
        metrics: Counts images by what became of them.

    Raises:
        CaptureError: The folder or address cannot be written. Storage that may answer later is
            a warning.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        assert settings.capture
        self._settings = settings
        self._metrics = metrics
        self._images = CapturedImages(
            _open(settings.capture), settings.capture_bytes, _DAY * settings.capture_days
        )
        self._jobs: Queue[_Job | None] = Queue(_WAITING)
        self._thread = Thread(target=self._work, name="capture", daemon=True)
        self._thread.start()

    def offer(self, image: bytes, result: DetectionResult) -> None:
        """Captures an image if it is one of those to keep; returns at once.

        Args:
            image: As it was sent.
            result: What was found in it.
        """
        if not self._is_wanted(result):
            return
        context = current.get()
        try:
            self._jobs.put_nowait(_Job(image, result, context.request_id if context else "none"))
        except Full:
            self._count("queue full")

    def close(self) -> None:
        """Ends the thread once it has written the image in work; those that wait are left out."""
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put(None)
        self._thread.join(timeout=5)

    def _is_wanted(self, result: DetectionResult) -> bool:
        below = self._settings.capture_below
        is_uncertain = any(found.score < below for found in result.detections)
        return is_uncertain or random.random() < self._settings.capture_rate

    def _work(self) -> None:
        niceness = max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0))  # only root may lower it
        os.setpriority(os.PRIO_PROCESS, get_native_id(), niceness)
        next_tidying = monotonic()
        while True:
            if monotonic() >= next_tidying:
                self._tidy()
                next_tidying = monotonic() + _TIDY_SECONDS
            try:
                job = self._jobs.get(timeout=max(0, next_tidying - monotonic()))
            except Empty:
                continue
            if job is None:
                return
            self._count(self._outcome(job))

    def _tidy(self) -> None:
        try:
            self._images.drop_oldest()
        except (OSError, StorageError) as error:
            _log.warning("old captured images could not be deleted: %s", error)
        except Exception:
            _log.exception("old captured images could not be deleted")

    def _outcome(self, job: _Job) -> str:
        try:
            return self._keep(job)
        except (OSError, StorageError, ImageError, MemoryError, cv2.error) as error:
            _log.warning("an image could not be captured: %s", error)
        except Exception:
            _log.exception("an image could not be captured")
        return "failed"

    def _keep(self, job: _Job) -> str:
        """Writes an image, without what its file says beside the pixels.

        Returns:
            What became of it.
        """
        pixels = decode(job.image, self._settings.max_pixels)
        perceptual = perceptual_hash(pixels)
        if self._images.has_alike(perceptual):
            return "alike"
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        done, encoded = cv2.imencode(".jpg", pixels[..., ::-1], quality)
        if not done:
            return "failed"
        added = self._images.add(perceptual, job.request, encoded.tobytes(), _answer(job))
        return "kept" if added else "too large"

    def _count(self, outcome: str) -> None:
        self._metrics.captured.labels(outcome).inc()


def _open(target: str) -> Place:
    """The folder or address that the user named, once something could be written there."""
    try:
        folder = local_path(target) if is_address(target) else Path(target)
        place = CaptureBucket(target) if folder is None else CaptureFolder(folder)
    except StorageError as error:
        raise CaptureError(f"--capture: {error}") from error
    try:
        _require_writable(place, target)
    except OSError as error:
        raise CaptureError(f"--capture: {target} cannot be written: {error.strerror}") from error
    except StorageError as error:
        if not error.is_temporary:
            raise CaptureError(f"--capture cannot be written: {error}") from error
        _log.warning("captured images cannot be kept yet: %s", error)
    return place


def _require_writable(place: Place, target: str) -> None:
    """Raises what the place raises; one that does not answer in time is temporary."""
    outcome: Future[None] = Future()
    Thread(target=_probe, args=(place, outcome), name="capture-probe", daemon=True).start()
    try:
        outcome.result(_START_SECONDS)
    except NoAnswerError as error:
        reason = f"{target} did not answer within {_START_SECONDS:g} s"
        raise StorageError(reason, is_temporary=True) from error


def _probe(place: Place, outcome: Future[None]) -> None:
    try:
        place.require_writable()
    except Exception as error:
        outcome.set_exception(error)
    else:
        outcome.set_result(None)


def _answer(job: _Job) -> bytes:
    """What was found, as ``/detect`` answers it, with time and request."""
    content = job.result.response().model_dump()
    content |= {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "request_id": job.request,
    }
    return json.dumps(content, ensure_ascii=False).encode()
