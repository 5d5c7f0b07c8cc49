"""How fast iterations are, and how long the rest takes."""

from __future__ import annotations

from collections import deque
from statistics import median
from time import monotonic

_RECENT = 50
"""The iterations that the pace is taken from."""

_FEW = 3
"""So many are needed for the median to leave out the first, which is slow."""


class Pace:
    """The median time of recent iterations: one slow minute does not swing it."""

    def __init__(self) -> None:
        self.durations: deque[float] = deque(maxlen=_RECENT)
        self.since = monotonic()

    def restart(self) -> None:
        """Leaves out the time since the last iteration, such as that of an evaluation."""
        self.since = monotonic()

    def advance(self) -> None:
        """Counts one iteration."""
        now = monotonic()
        self.durations.append(now - self.since)
        self.since = now

    @property
    def seconds(self) -> float | None:
        """Seconds of one iteration; None before a few were made."""
        return median(self.durations) if len(self.durations) >= _FEW else None
