"""Maps errors to problems, for ``umop-serve`` and for the handler in TorchServe."""

from __future__ import annotations

from http import HTTPStatus

from serving.bundle import BundleError
from serving.inference.decoding import ImageError, ImageTooLargeError, UnsupportedImageError
from serving.inference.engines import EngineError
from serving.inference.tiles import TooSlowError
from serving.schemas.options import UnknownClassError
from serving.schemas.problems import ProblemKind
from serving.schemas.tensors import TensorError

_PROBLEMS: tuple[tuple[type[Exception], HTTPStatus, ProblemKind], ...] = (
    (UnsupportedImageError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-image"),
    (ImageTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "image-too-large"),
    (ImageError, HTTPStatus.UNPROCESSABLE_ENTITY, "broken-image"),
    (UnknownClassError, HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-class"),
    (BundleError, HTTPStatus.UNPROCESSABLE_ENTITY, "broken-bundle"),
    (TensorError, HTTPStatus.BAD_REQUEST, "invalid-tensors"),
    (EngineError, HTTPStatus.SERVICE_UNAVAILABLE, "engine-failed"),
    (TooSlowError, HTTPStatus.SERVICE_UNAVAILABLE, "deadline-passed"),
    (MemoryError, HTTPStatus.SERVICE_UNAVAILABLE, "overloaded"),
)


def classify(error: Exception) -> tuple[HTTPStatus, ProblemKind] | None:
    """Returns the status and the kind of problem for an error, or None for an unexpected one."""
    for cause, status, kind in _PROBLEMS:
        if isinstance(error, cause):
            return status, kind
    return None
