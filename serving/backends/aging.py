"""HTTP connections that are used for a limited time.

A server that is about to stop gets no new connections, but those in use would keep it for ever.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import httpcore
import httpx


class AgingTransport(httpx.AsyncHTTPTransport):
    """Closes each connection after the answer that finds it too old.

    Args:
        limits: How many connections there are.
        age: Seconds that one is used.
    """

    def __init__(self, limits: httpx.Limits, age: float) -> None:
        super().__init__(limits=limits, trust_env=False)
        self._pool = _AgingPool(
            age,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
        )


class _AgingPool(httpcore.AsyncConnectionPool):
    def __init__(self, age: float, **options: Any) -> None:
        super().__init__(**options)
        self._age = age

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return _AgingConnection(
            self._age,
            origin=origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=self._keepalive_expiry,
        )


class _AgingConnection(httpcore.AsyncHTTPConnection):
    def __init__(self, age: float, **options: Any) -> None:
        super().__init__(**options)
        self._until = monotonic() + age

    def has_expired(self) -> bool:
        return super().has_expired() or (self.is_idle() and monotonic() >= self._until)
