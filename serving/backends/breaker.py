"""A circuit breaker, for servers that fail."""

from __future__ import annotations

from time import monotonic

from serving.backends import NotReadyError


class Breaker:
    """Opens after failures in a row, and then allows one try every ``pause`` seconds.

    Args:
        what: The server, for the error's message.
        failures: Failures in a row that open it.
        pause: Seconds between tries while it is open.
    """

    def __init__(self, what: str, *, failures: int = 3, pause: float = 2) -> None:
        self._what = what
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the server counts as down."""
        return self._failures >= self._limit

    def require_closed(self) -> None:
        """Raises ``NotReadyError`` until the next try is due; for readiness probes."""
        left = self._next_try - monotonic()
        if self.is_open and left > 0:
            raise NotReadyError(f"{self._what} is down", retry_after=left)

    def enter(self) -> None:
        """Takes the next try.

        Raises:
            NotReadyError: The next try is not due yet.
        """
        self.require_closed()
        self._next_try = monotonic() + self._pause

    def succeeded(self) -> None:
        """Closes it."""
        self._failures = 0

    def failed(self) -> None:
        """Counts a failure."""
        self._failures += 1
        self._next_try = monotonic() + self._pause
