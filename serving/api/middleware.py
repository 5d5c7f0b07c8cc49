"""Middleware: headers of every response, and limits on request bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.problems import Problem, unavailable
from serving.api.services import Services
from serving.guards.budget import ByteBudget, Held

_LINGER_SECONDS = 2
_OWN_FILES_ONLY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' blob: data:; script-src 'self'; "
    "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Swagger UI's page starts itself with an inline script and styles itself.
_SWAGGER_UI = _OWN_FILES_ONLY.replace("'self';", "'self' 'unsafe-inline';")


class PublishedPath:
    """Gives every request the path under which a proxy publishes the service.

    Some proxies take it away and some leave it; links, redirects and mounted files need it.

    Args:
        app: The next application.
        root_path: The published path; empty for none.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with the whole path."""
        if scope["type"] == "http" and self._root_path:
            scope["root_path"] = self._root_path
            if not f"{scope['path']}/".startswith(f"{self._root_path}/"):
                scope["path"] = self._root_path + scope["path"]
        await self._app(scope, receive, send)


class HeadRequests:
    """Answers HEAD as it would GET, without the body (RFC 9110, section 9.3.2).

    Args:
        app: The next application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, HEAD as GET."""
        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            is_body = message["type"] == "http.response.body"
            await send({**message, "body": b""} if is_body else message)

        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send_head)
        finally:
            scope["route"] = as_get.get("route")  # for the log and the metrics


class WholeFiles:
    """Sends files as a whole: ``Range`` is ignored, as a server may (RFC 9110, section 14.2).

    They are small, and a range that no file has would be refused in plain text.

    Args:
        app: The next application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on without its range."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"range"]

        async def send_whole(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "Accept-Ranges" in headers:
                    headers["Accept-Ranges"] = "none"
            await send(message)

        await self._app(scope, receive, send_whole)


class SecurityHeaders:
    """Adds security headers to every response.

    Args:
        app: The next application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and adds headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Content-Security-Policy"] = (
                    _SWAGGER_UI if path == "/docs" else _OWN_FILES_ONLY
                )
                is_file = path.startswith(("/static/", "/docs/"))
                headers.setdefault("Cache-Control", "no-cache" if is_file else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class LastAnswers:
    """Ends each connection with its answer while the service is stopping (RFC 9112, section 9.6).

    A client that kept its connection would send its next request to a service that is gone.

    Args:
        app: The next application.
        services: Knows whether the service is stopping.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; ends its connection while the service is stopping."""

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and self._services.draining:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_last)


class Cors(CORSMiddleware):
    """Answers preflight requests (fetch.spec.whatwg.org), refusals as problem documents.

    Args:
        app: The next application.
        allow_origins: Origins that may ask; none refuses all.
    """

    def __init__(self, app: ASGIApp, allow_origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=allow_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Returns the answer to a preflight request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == HTTPStatus.OK:
            return answer
        detail = bytes(answer.body).decode()
        refused = Problem(HTTPStatus.BAD_REQUEST, "bad-request", detail).response()
        refused.headers["Vary"] = answer.headers.get("Vary", "Origin")
        return refused


class BodyLimit:
    """Limits the size of each request's body, and of all bodies in progress together.

    A slow upload counts only the bytes that have arrived.

    After an answer that is sent before the body was read, most often an error, reading goes on
    for a short time: closing at once would reset the connection, and a client that is still
    sending might never see the answer (RFC 9112, section 9.6).

    Args:
        app: The next application.
        max_bytes: Largest body.
        budget: Bytes that all requests together may hold.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, budget: ByteBudget) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with its body counted; ``request.state.held`` is the count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._budget.hold() as held:
            scope.setdefault("state", {})["held"] = held
            body = _Body(Headers(scope=scope), receive, self._max_bytes, held)
            await self._run(scope, body, send)

    async def _run(self, scope: Scope, body: _Body, send: Send) -> None:

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                body.release()
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if not ends or not body.is_still_sent:
                await send(message)
                return
            await send({**message, "more_body": True})
            await body.linger()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, body.receive, sent)


class _Body:
    """A request's body, as it arrives.

    Args:
        headers: Of the request.
        receive: Gives its next message.
        max_bytes: The most that a body may have.
        held: Counts the bytes that are held in memory.
    """

    def __init__(self, headers: Headers, receive: Receive, max_bytes: int, held: Held) -> None:
        length = headers.get("content-length", "0")
        self._announced = int(length) if length.isdigit() else 0
        self._receive = receive
        self._max_bytes = max_bytes
        self._held = held
        has_body = bool(self._announced) or "transfer-encoding" in headers
        self.is_still_sent = has_body and "expect" not in headers

    async def receive(self) -> Message:
        if self._announced > self._max_bytes:
            raise self._too_large()
        message = await self._next()
        self._held.add(len(message.get("body", b"")))
        if self._held.size > self._max_bytes:
            raise self._too_large()
        if self._held.is_too_much:
            raise unavailable("overloaded", "too many bytes are being uploaded; try again soon", 1)
        return message

    def release(self) -> None:
        """Counts its bytes no longer: who answers has done with them."""
        self._held.release()

    async def linger(self) -> None:
        """Reads on for a while; what it reads is dropped, and does not count."""
        until = asyncio.get_running_loop().time() + _LINGER_SECONDS
        while self.is_still_sent:
            left = until - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._next(), max(left, 0))
            except asyncio.TimeoutError:
                return

    async def _next(self) -> Message:
        message = await self._receive()
        self.is_still_sent = self.is_still_sent and bool(message.get("more_body"))
        return message

    def _too_large(self) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body-too-large",
            f"the request's body has more than {self._max_bytes} bytes",
        )
