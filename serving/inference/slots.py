"""How many batches run at a time, of all models together."""

from __future__ import annotations

import asyncio


class RunSlots:
    """Shares the processors among the models: their batches take turns, first come, first served.

    A batch that has all processors is exclusive: no other runs beside it, of whatever model.
    """

    def __init__(self) -> None:
        self._running = 0
        self._waiting = 0
        self._is_exclusive = False
        self._changed = asyncio.Condition()

    async def take(self, concurrent_runs: int) -> None:
        """Waits until one more batch may run.

        Args:
            concurrent_runs: Most batches at the same time that the batch's engine is made for.
        """
        async with self._changed:
            self._waiting += 1
            try:
                await self._changed.wait_for(lambda: self._is_free(concurrent_runs))
            finally:
                self._waiting -= 1
            self._running += 1

    def begin(self, has_followers: bool) -> bool:
        """Returns whether the batch that took the last slot has all processors.

        Args:
            has_followers: Whether more images of its model wait.
        """
        self._is_exclusive = self._running == 1 and not self._waiting and not has_followers
        return self._is_exclusive

    async def give_back(self) -> None:
        """Ends a batch."""
        async with self._changed:
            self._running -= 1
            self._is_exclusive = False
            self._changed.notify_all()

    def _is_free(self, concurrent_runs: int) -> bool:
        return not self._running or (not self._is_exclusive and self._running < concurrent_runs)
