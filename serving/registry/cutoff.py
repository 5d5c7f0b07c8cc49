"""Ends a request that takes too long as a whole; a client's timeouts are for single reads."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from types import TracebackType
from typing import Any

_CONNECTED = ("connect_tcp.complete", "start_tls.complete")


class Cutoff:
    """Shuts the connection of one request down unless the block is left in time.

    The block then ends with ``TimeoutError``, whatever the client made of it.

    Args:
        seconds: For all of the request.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False
        self._socket: socket.socket | None = None
        self._timer = Timer(max(seconds, 0), self._end)
        self._timer.daemon = True

    def __enter__(self) -> Cutoff:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._is_over and (error is None or isinstance(error, Exception)):
            raise TimeoutError(f"no whole answer came in {self._seconds:.0f} s") from error

    def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Takes what httpx tells of a request as it goes on (its extension ``trace``)."""
        if event.endswith(_CONNECTED):
            self._socket = details["return_value"].get_extra_info("socket")
            if self._is_over:
                self._shut_down()

    def _end(self) -> None:
        self._is_over = True
        self._shut_down()

    def _shut_down(self) -> None:
        if self._socket:
            with suppress(OSError):  # not ssl's own: it takes the session from under the reader
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
