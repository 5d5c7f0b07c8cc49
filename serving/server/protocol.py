"""The HTTP protocol, with limits on connections, slow headers and slow readers."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.api.problems import Problem
from serving.schemas.problems import ProblemKind
from serving.server.framing import FramingGuard

_SLOWEST_READER = 100_000
"""Bytes a second."""


def guarded_protocol(
    header_timeout: float, write_timeout: float, max_connections: int
) -> type[asyncio.Protocol]:
    """Returns a protocol for uvicorn that limits connections, and the time to send and to read.

    Args:
        header_timeout: Seconds for a header, counted from its connection or its first byte; a later
            one ends the connection with 408.
        write_timeout: Seconds for the client to take an answer, and one more for every 100 kB; then
            the connection is cut.
        max_connections: A connection beyond them gets 503.
    """
    limits = {
        "header_timeout": header_timeout,
        "write_timeout": write_timeout,
        "max_connections": max_connections,
    }
    return type("GuardedProtocol", (_GuardedProtocol,), limits)


class _GuardedProtocol(H11Protocol):
    """What ``guarded_protocol`` returns, without its limits."""

    conn: FramingGuard
    header_timeout: float
    write_timeout: float
    max_connections: int
    _header_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _write_began: float | None = None
    _written = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.conn = FramingGuard()
        if len(self.connections) > self.max_connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "too many connections")
            return
        self._start_header_timer()

    def data_received(self, data: bytes) -> None:
        if self._header_timer is None and self._awaits_request():
            self._start_header_timer()
        super().data_received(data)
        if not self._awaits_request():
            self._stop_header_timer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def on_response_complete(self) -> None:
        self._await_reader()
        self._write_began, self._written = None, 0
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_header_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(HTTPStatus.BAD_REQUEST, "invalid-http", self.conn.reason or msg)

    def _awaits_request(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _start_header_timer(self) -> None:
        self._header_timer = self.loop.call_later(self.header_timeout, self._expire)

    def _stop_header_timer(self) -> None:
        if self._header_timer:
            self._header_timer.cancel()
            self._header_timer = None

    def _await_reader(self) -> None:
        """Sets when the client must have taken the answer, as far as it was written."""
        self._stop_write_timer()
        unread = self.transport.get_write_buffer_size()
        if not unread:
            return
        if self._write_began is None:
            self._write_began = self.loop.time()
        self._written += unread
        seconds = self.write_timeout + self._written / _SLOWEST_READER
        self._write_timer = self.loop.call_at(self._write_began + seconds, self._cut)

    def _stop_write_timer(self) -> None:
        if self._write_timer:
            self._write_timer.cancel()
            self._write_timer = None

    def _cut(self) -> None:
        self._write_timer = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _expire(self) -> None:
        self._header_timer = None
        detail = "the request's header did not arrive in time"
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "slow-header", detail)

    def _refuse(self, status: HTTPStatus, kind: ProblemKind, detail: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(_raw(Problem(status, kind, detail)))
            self.transport.close()


def _raw(problem: Problem) -> bytes:
    """Returns a problem as a whole HTTP/1.1 answer that ends the connection."""
    response = problem.response()
    lines = [f"HTTP/1.1 {problem.status.value} {problem.status.phrase}", "connection: close"]
    lines += [f"{name.decode()}: {value.decode()}" for name, value in response.raw_headers]
    return "\r\n".join([*lines, "", ""]).encode() + bytes(response.body)
