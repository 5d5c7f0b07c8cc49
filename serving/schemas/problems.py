"""Problem documents (RFC 9457), for ``umop-serve`` and for the handler in TorchServe."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:umop:problem:"
_LONGEST_DETAIL = 400
ProblemKind = Literal[
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
    "no-image",
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
    "unreachable-image",
    "unsupported-body",
    "unsupported-image",
]


class ProblemDocument(BaseModel):
    """RFC 9457, section 3."""

    type: str
    title: str
    status: int
    detail: str
    error: str | None = Field(None, description="The detail again, under the name /v2 has for it.")

    @property
    def kind(self) -> str:
        """Its ``ProblemKind``; the whole ``type`` where another server made it."""
        return self.type.removeprefix(_TYPE_PREFIX)

    @classmethod
    def of(cls, status: HTTPStatus, kind: ProblemKind, detail: str) -> ProblemDocument:
        """Returns the document of a problem.

        Args:
            status: HTTP status.
            kind: Stable name; the end of ``type``.
            detail: One line for the person who sent the request.
        """
        title = kind.replace("-", " ").capitalize()
        return cls(
            type=_TYPE_PREFIX + kind,
            title=title,
            status=status,
            detail=_one_line(detail),
            error=None,
        )


def _one_line(detail: str) -> str:
    """The detail as it may be sent: a caller's own text may be in it, of any length and kind."""
    start = detail[: _LONGEST_DETAIL + 1].encode("utf-8", "backslashreplace").decode()
    line = " ".join(start.split()) or "there is no more to say"
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"
