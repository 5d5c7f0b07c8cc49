"""Waiting for something to come true."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Returns once ``condition`` holds; fails after ``seconds``."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "it did not come true in time"
        sleep(0.01)
