"""What errors are called over HTTP, whether `umop-serve` or TorchServe answers (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel, Field

from serving.backends import UnknownClassError
from serving.bundle import BundleError
from serving.inference.engines import EngineError
from serving.inference.image import ImageError, ImageTooLargeError, UnsupportedImageError
from serving.schemas.tensors import TensorError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:umop:problem:"
Kind = Literal[
    "bad-request",
    "body-too-large",
    "broken-bundle",
    "broken-image",
    "client-gone",
    "deadline-passed",
    "engine-failed",
    "image-too-large",
    "internal-error",
    "invalid-http",
    "invalid-request",
    "invalid-tensors",
    "method-not-allowed",
    "no-picture",
    "not-acceptable",
    "not-found",
    "not-ready",
    "overloaded",
    "rate-limited",
    "slow-header",
    "slow-upload",
    "unauthorized",
    "unknown-class",
    "unknown-model",
    "unknown-sample",
    "unreachable-picture",
    "unsupported-body",
    "unsupported-image",
]
_REFUSALS: tuple[tuple[type[Exception], HTTPStatus, Kind], ...] = (
    (UnsupportedImageError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-image"),
    (ImageTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "image-too-large"),
    (ImageError, HTTPStatus.UNPROCESSABLE_ENTITY, "broken-image"),
    (UnknownClassError, HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-class"),
    (BundleError, HTTPStatus.UNPROCESSABLE_ENTITY, "broken-bundle"),
    (TensorError, HTTPStatus.BAD_REQUEST, "invalid-tensors"),
    (EngineError, HTTPStatus.SERVICE_UNAVAILABLE, "engine-failed"),
)


class ProblemDocument(BaseModel):
    """RFC 9457, section 3."""

    type: str
    title: str
    status: int
    detail: str
    error: str | None = Field(None, description="The detail again, under the name /v2 has for it.")

    @classmethod
    def of(cls, status: HTTPStatus, kind: Kind, detail: str) -> ProblemDocument:
        """Returns the document of a problem of that kind."""
        title = kind.replace("-", " ").capitalize()
        return cls(type=TYPE_PREFIX + kind, title=title, status=status, detail=detail, error=None)


def classify(error: Exception) -> tuple[HTTPStatus, Kind] | None:
    """Returns the status and the kind of problem that a request ends with on this error."""
    for cause, status, kind in _REFUSALS:
        if isinstance(error, cause):
            return status, kind
    return None
