"""What TorchServe's answers without detections mean."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import ValidationError

from serving.backends import NotReadyError
from serving.errors import PROBLEMS
from serving.inference.decoding import ImageTooLargeError
from serving.schemas.problems import ProblemDocument

_CAUSES: dict[str, type[Exception]] = {rule.kind: cause for cause, rule in PROBLEMS.items()}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """Why there are no detections.

    Attributes:
        error: For who asked.
        is_failure: Whether TorchServe or what is before it failed, and not this request alone.
    """

    error: Exception
    is_failure: bool = False


def read_refusal(answer: httpx.Response) -> Refusal | None:
    """Returns why an answer has no detections; None if it should have them.

    A problem document of the handler in TorchServe is the error that the handler had.
    """
    status = answer.status_code
    if status == HTTPStatus.OK:
        return None
    if status == HTTPStatus.NOT_FOUND:
        return Refusal(NotReadyError("TorchServe has no such model", retry_after=30))
    problem = _handlers_problem(answer)
    if problem and (cause := _CAUSES.get(problem.kind)):
        return Refusal(cause(problem.detail))
    _log.warning("TorchServe answered %s: %.200s", status, answer.text)
    if problem:  # of a newer handler
        return Refusal(NotReadyError(f"TorchServe answered {status}: {problem.detail}"))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refusal(ImageTooLargeError("the image has more bytes than TorchServe takes"))
    if status >= 500:
        return Refusal(NotReadyError("TorchServe failed or is busy"), is_failure=True)
    return Refusal(NotReadyError(f"TorchServe answered {status}"), is_failure=True)


def _handlers_problem(answer: httpx.Response) -> ProblemDocument | None:
    try:
        problem = ProblemDocument.model_validate_json(answer.content)
    except ValidationError:  # TorchServe's own, or a proxy's
        return None
    return problem if problem.kind != problem.type else None
