"""What a user should know while a command runs."""

from __future__ import annotations

from time import monotonic

from rich.console import Console

SECONDS_BETWEEN_COUNTS = 20.0

console = Console(stderr=True, soft_wrap=True, highlight=False)


def note(text: str) -> None:
    """Prints a line to stderr."""
    console.print(text, markup=False)


class Count:
    """Notes now and then how much of long work is done, and about how long the rest takes.

    Args:
        what: What is counted, such as ``evaluating: picture``.
        total: How many there are.
    """

    def __init__(self, what: str, total: int) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self.started = self.noted = monotonic()

    def advance(self) -> None:
        """Counts one more."""
        self.done += 1
        now = monotonic()
        if now - self.noted < SECONDS_BETWEEN_COUNTS:
            return
        self.noted = now
        left = (now - self.started) / self.done * (self.total - self.done)
        note(f"{self.what} {self.done} of {self.total}, about {left:.0f} s left")
