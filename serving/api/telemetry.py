"""Records every request: ids, a log line, metrics and a span."""

from __future__ import annotations

import logging
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.observability import context, logs
from serving.observability.context import RequestContext
from serving.observability.metrics import Metrics
from serving.observability.tracing import Tracer

_LOGGED_AT_DEBUG = {"/healthz", "/readyz", "/metrics"}


class Telemetry:
    """Records every request, and returns its id in ``X-Request-ID``.

    Args:
        app: The next application.
        metrics: Counts requests and their time.
        tracer: Makes the spans whose ids are taken; None for none.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracer: Tracer | None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and records how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request = RequestContext.of(headers.get("x-request-id"), headers.get("traceparent"))
        if self._tracer:
            request = self._tracer.context(request)
        await self._record(scope, receive, send, request)

    async def _record(
        self, scope: Scope, receive: Receive, send: Send, request: RequestContext
    ) -> None:
        record = _Record(scope, request, send)
        context.current.set(request)  # not reset: uvicorn logs failures in this task
        try:
            await self._app(scope, receive, record.send)
        finally:
            self._note(record)

    def _note(self, record: _Record) -> None:
        route, seconds = record.route(), (record.answered or perf_counter()) - record.started
        self._metrics.requests.labels(route, record.status).inc()
        self._metrics.latency.labels(route).observe(seconds)
        level = logging.DEBUG if route in _LOGGED_AT_DEBUG and record.status < 400 else logging.INFO
        logs.access.log(level, "request", extra={"fields": record.fields(seconds)})


class _Record:
    """What is said of a request once it is answered.

    Args:
        scope: Of the request.
        request: Its ids.
        send: Sends a message of the response.
    """

    def __init__(self, scope: Scope, request: RequestContext, send: Send) -> None:
        self.started = perf_counter()
        self.answered: float | None = None
        self.status = 499  # nginx's code: the client disconnected before a response
        self._scope = scope
        self._request = request
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answered = perf_counter()  # how long a client takes to read it says nothing of us
            MutableHeaders(scope=message)["X-Request-ID"] = self._request.request_id
        await self._send(message)

    def route(self) -> str:
        route = self._scope.get("route")
        return getattr(route, "path", None) or "unknown"

    def fields(self, seconds: float) -> dict[str, object]:
        client = self._scope.get("client")
        return {
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": self.status,
            "ms": round(1000 * seconds, 1),
            "client": client[0] if client else None,
            "key": self._scope.get("state", {}).get("key"),
        }
