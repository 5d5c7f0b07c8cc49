"""Where objects are found: in this process, in TorchServe, or in another inference server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from serving.bundle.schema import Manifest
from serving.schemas.detections import DetectionResult

OPTIONS_HEADER = "X-UMOP-Options"
"""Carries a request's `DetectOptions` to TorchServe's handler, as JSON."""


@dataclass(frozen=True)
class DetectOptions:
    """What one request asks for; None leaves the model's default.

    Attributes:
        score_threshold: Lowest score to report.
        max_detections: Most detections to report.
        classes: Names of the classes to report.
    """

    score_threshold: float | None = None
    max_detections: int | None = None
    classes: tuple[str, ...] | None = None


class NotReadyError(Exception):
    """The backend cannot answer now; the message is one line that says why.

    Attributes:
        retry_after: Seconds after which to try again.
    """

    def __init__(self, message: str, retry_after: float = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnknownClassError(Exception):
    """The model knows no class of this name."""


class Backend(Protocol):
    """Finds objects in encoded pictures."""

    async def start(self) -> None:
        """Gets ready to answer.

        Raises:
            BundleError: The bundle cannot be used.
            EngineError: The engine cannot run here.
        """

    async def stop(self) -> None:
        """Answers what was accepted, then lets go of everything."""

    async def check(self) -> None:
        """Raises `NotReadyError` unless the backend could answer now."""

    async def reload(self) -> None:
        """Takes the model anew from where it came; the old one answers until then.

        Raises:
            BundleError: The new bundle cannot be used; the old one goes on answering.
        """

    def manifest(self) -> Manifest:
        """Describes the model that answers now.

        Raises:
            NotReadyError: There is none yet.
        """

    async def detect(self, picture: bytes, wish: DetectOptions) -> DetectionResult:
        """Finds objects in one encoded picture.

        Raises:
            ImageError: The picture cannot be read.
            NotReadyError: The backend cannot answer now.
            UnknownClassError: The wish names a class that the model does not know.
        """


def class_indices(names: Sequence[str] | None, classes: Sequence[str]) -> frozenset[int] | None:
    """Returns the places of named classes; None for None.

    Raises:
        UnknownClassError: A name is not in `classes`.
    """
    if names is None:
        return None
    unknown = [name for name in names if name not in classes]
    if unknown:
        raise UnknownClassError(f"the model knows no class {unknown[0]!r}")
    return frozenset(classes.index(name) for name in names)
