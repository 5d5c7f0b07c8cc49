"""How many bytes of requests are held in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class ByteBudget:
    """Bytes that all requests together may still hold.

    Attributes:
        left: Below zero once they hold too much.
    """

    left: int

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """Counts what one request holds while the context lasts."""
        held = Held(self)
        try:
            yield held
        finally:
            self.left += held.size


@dataclass
class Held:
    """Bytes that one request holds: its body, and what was fetched for it.

    Attributes:
        size: How many there are.
    """

    budget: ByteBudget
    size: int = 0

    def add(self, count: int) -> None:
        """Counts more of them."""
        self.size += count
        self.budget.left -= count

    def release(self) -> None:
        """Counts none of them any more."""
        self.budget.left += self.size
        self.size = 0

    @property
    def is_too_much(self) -> bool:
        """Whether all requests together hold more than they may."""
        return self.budget.left < 0
