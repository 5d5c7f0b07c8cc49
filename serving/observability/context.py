"""The ids of the current request."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class RequestContext:
    """Ids of one request.

    Attributes:
        request_id: The caller's ``X-Request-ID``, or one of our own.
        trace_id: Of the whole trace, 32 hex digits.
        span_id: Of this request's own span, 16 hex digits.
        flags: W3C trace flags, 2 hex digits.
    """

    request_id: str
    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def of(cls, request_id: str | None, traceparent: str | None) -> RequestContext:
        """Takes the caller's ids where they are valid (W3C Trace Context, section 3.2)."""
        match = _TRACEPARENT.fullmatch(traceparent or "")
        known = match and match[1].strip("0") and match[2].strip("0")
        trace_id = match[1] if match and known else secrets.token_hex(16)
        flags = match[3] if match and known else "00"
        if not _REQUEST_ID.fullmatch(request_id or ""):
            request_id = None
        return cls(request_id or trace_id, trace_id, secrets.token_hex(8), flags)

    @property
    def traceparent(self) -> str:
        """The header that calls made for this request carry."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current: ContextVar[RequestContext | None] = ContextVar("request", default=None)
