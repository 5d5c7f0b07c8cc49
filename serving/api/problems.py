"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import ClientDisconnect

from serving.backends import NotReadyError
from serving.errors import PROBLEMS, ProblemRule
from serving.guards.admission import OverloadedError
from serving.guards.fetch import ImageFetchError
from serving.schemas.problems import MEDIA_TYPE, ProblemDocument, ProblemKind

_RULES: dict[type[Exception], ProblemRule] = {
    **PROBLEMS,
    OverloadedError: ProblemRule(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", 1),
    ImageFetchError: ProblemRule(HTTPStatus.UNPROCESSABLE_ENTITY, "unreachable-image"),
    ClientDisconnect: ProblemRule(
        HTTPStatus.BAD_REQUEST, "client-gone", detail="the client disconnected"
    ),
}
_OF_STATUS: dict[int, ProblemKind] = {404: "not-found", 405: "method-not-allowed"}


@dataclass
class Problem(Exception):  # noqa: N818  # the RFC's word
    """An error that is answered as a problem document.

    Attributes:
        status: HTTP status.
        kind: Stable name; the end of the document's ``type``.
        detail: One line for the person who sent the request.
        headers: Sent with it.
    """

    status: HTTPStatus
    kind: ProblemKind
    detail: str
    headers: dict[str, str] = field(default_factory=dict)

    def response(self, path: str = "") -> JSONResponse:
        """Returns the problem document for a request to ``path``."""
        document = ProblemDocument.of(self.status, self.kind, self.detail)
        if path.startswith("/v2"):
            document.error = document.detail
        members = document.model_dump(exclude_none=True)
        return JSONResponse(members, self.status.value, self.headers, MEDIA_TYPE)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}},
    }
    for status in (400, 401, 404, 406, 408, 413, 415, 422, 429, 503)
}


def unavailable(kind: ProblemKind, detail: str, retry_after: float) -> Problem:
    """Returns a 503 with ``Retry-After``.

    Args:
        kind: Stable name of the problem.
        detail: One line for the person who sent the request.
        retry_after: Seconds to wait; sent as a whole number, 1 or more.
    """
    headers = {"Retry-After": str(max(1, round(retry_after)))}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, headers)


def install(app: FastAPI) -> None:
    """Answers every error of the app with a problem document."""
    app.add_exception_handler(Problem, _answer(_as_it_is))
    app.add_exception_handler(NotReadyError, _answer(_from_not_ready))
    for cause, rule in _RULES.items():
        app.add_exception_handler(cause, _answer(partial(_from_rule, rule)))
    app.add_exception_handler(HTTPException, _answer(_from_http))
    app.add_exception_handler(RequestValidationError, _answer(_from_validation))
    failed = _answer(_unexpected)
    app.add_exception_handler(Exception, failed)
    # Starlette answers with that handler outside all middleware, so an answer of its own is
    # needed inside: one that gets the request's id and the security headers.
    app.user_middleware.append(Middleware(ServerErrorMiddleware, handler=failed))


def _answer(
    translate: Callable[[Any], Problem],
) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def handler(request: Request, error: Exception) -> JSONResponse:
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        return translate(error).response(path)

    return handler


def _as_it_is(error: Problem) -> Problem:
    return error


def _from_not_ready(error: NotReadyError) -> Problem:
    return unavailable("not-ready", str(error), error.retry_after)


def _from_rule(rule: ProblemRule, error: Exception) -> Problem:
    detail = rule.explain(error)
    if rule.retry_after is None:
        return Problem(rule.status, rule.kind, detail)
    return unavailable(rule.kind, detail, rule.retry_after)


def _from_http(error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    kind = _OF_STATUS.get(status, "bad-request")
    return Problem(status, kind, str(error.detail), dict(error.headers or {}))


def _from_validation(error: RequestValidationError) -> Problem:
    first = error.errors()[0]
    where = " ".join(str(part) for part in first["loc"])
    detail = f"{where}: {first['msg']}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail)


def _unexpected(error: Exception) -> Problem:
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return unavailable("overloaded", "there are not enough threads; try again soon", 5)
    detail = "internal error; the server's log has the reason"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail)
