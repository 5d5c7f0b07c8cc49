"""A server that fails is left alone, whatever its readiness probe says."""

from __future__ import annotations

import pytest

from serving.backends import NotReadyError
from serving.guards.breaker import Breaker


def test_a_probe_neither_closes_it_nor_takes_its_try(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("serving.guards.breaker.monotonic", lambda: now)
    breaker = Breaker("the server", failures=2, pause=2)
    for _ in range(2):
        breaker.enter()
        breaker.failed()
    with pytest.raises(NotReadyError, match="the server is down"):
        breaker.require_closed()
    now = 2.5
    breaker.require_closed()
    assert breaker.is_open
    breaker.enter()
    with pytest.raises(NotReadyError):
        breaker.enter()
    breaker.succeeded()
    breaker.enter()
