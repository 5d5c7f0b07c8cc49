"""What finds the objects: this process, TorchServe, or another inference server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from serving.bundle import Bundle, BundleError
from serving.bundle.schema import Manifest
from serving.schemas.detections import DetectionResult
from serving.schemas.options import DetectOptions
from serving.settings import Settings


class NotReadyError(Exception):
    """The backend cannot answer now; the message is one line that says why.

    Attributes:
        retry_after: Seconds after which to try again.
    """

    def __init__(self, message: str, retry_after: float = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def require_bundle(settings: Settings) -> str | Path:
    """Returns the path or the address of a backend's one bundle.

    Raises:
        BundleError: The settings name none.
    """
    if not settings.bundle:
        raise BundleError("no model: give --bundle or UMOP_BUNDLE")
    [place] = settings.bundle
    return place


async def offered_manifest(settings: Settings) -> Manifest:
    """Returns the manifest of a backend's one bundle as it is now.

    Raises:
        BundleError: The bundle cannot be used.
    """
    path = require_bundle(settings)
    return (await asyncio.to_thread(Bundle.open, path, verify_key=settings.verify_key)).manifest


class Backend(Protocol):
    """Finds objects in encoded images with one model."""

    async def stop(self) -> None:
        """Answers accepted requests, then releases all resources."""

    async def check(self) -> None:
        """Raises ``NotReadyError`` unless the backend could answer now."""

    async def reload(self) -> None:
        """Loads the model, or loads it again: the old one answers until the new one is ready.

        One call follows the other, see ``serving.backends.models.Models``.

        Raises:
            BundleError: The new bundle cannot be used; the old one keeps answering.
            EngineError: The engine cannot run here.
        """

    async def offered(self) -> Manifest:
        """Returns the manifest of the bundle that a reload would load.

        Raises:
            BundleError: The new bundle cannot be used.
        """

    def manifest(self) -> Manifest:
        """Returns the manifest of the model that answers.

        Raises:
            NotReadyError: The model is not loaded yet.
        """

    def bundle(self) -> Bundle:
        """Returns the bundle of the model that answers, as it was when it was loaded.

        Raises:
            NotReadyError: The model is not loaded yet.
        """

    async def detect(self, image: bytes, options: DetectOptions) -> DetectionResult:
        """Finds objects in one encoded image.

        Raises:
            EngineError: The engine has stopped working.
            ImageError: The image cannot be read.
            InvalidOptionsError: The options cannot be passed on.
            MemoryError: There is not enough memory for the image.
            NotReadyError: The backend cannot answer now.
            TooSlowError: The windows of the image would take too long.
            UnknownClassError: The options name a class that the model does not know.
        """
