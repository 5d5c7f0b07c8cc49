"""Maps errors to problems, for ``umop-serve`` and for the handler in TorchServe."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from serving.bundle import BundleError
from serving.inference.decoding import ImageError, ImageTooLargeError, UnsupportedImageError
from serving.inference.engines import EngineError
from serving.inference.tiles import TooSlowError
from serving.schemas.options import InvalidOptionsError, UnknownClassError
from serving.schemas.problems import ProblemKind
from serving.schemas.tensors import TensorError


class ProblemRule(NamedTuple):
    """How errors of one class are answered.

    Attributes:
        status: HTTP's.
        kind: Stable name of the problem.
        retry_after: Seconds after which to ask again, where that may help.
        detail: What is said in place of the error's own message.
    """

    status: HTTPStatus
    kind: ProblemKind
    retry_after: float | None = None
    detail: str = ""

    def explain(self, error: Exception) -> str:
        """Returns the line for the person who sent the request."""
        return self.detail or str(error)


PROBLEMS: dict[type[Exception], ProblemRule] = {
    UnsupportedImageError: ProblemRule(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-image"),
    ImageTooLargeError: ProblemRule(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "image-too-large"),
    ImageError: ProblemRule(HTTPStatus.UNPROCESSABLE_ENTITY, "broken-image"),
    UnknownClassError: ProblemRule(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-class"),
    InvalidOptionsError: ProblemRule(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request"),
    BundleError: ProblemRule(HTTPStatus.UNPROCESSABLE_ENTITY, "broken-bundle"),
    TensorError: ProblemRule(HTTPStatus.BAD_REQUEST, "invalid-tensors"),
    EngineError: ProblemRule(HTTPStatus.SERVICE_UNAVAILABLE, "engine-failed", 30),
    TooSlowError: ProblemRule(HTTPStatus.SERVICE_UNAVAILABLE, "deadline-passed", 1),
    MemoryError: ProblemRule(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        5,
        "there is not enough memory; try again soon",
    ),
}
"""Errors that ``umop-serve`` and the handler in TorchServe expect; one of a subclass is as its base
unless it stands here by itself."""


def find_rule(error: Exception) -> ProblemRule:
    """Returns how an error of ``PROBLEMS`` is answered."""
    return next(PROBLEMS[each] for each in type(error).__mro__ if each in PROBLEMS)
