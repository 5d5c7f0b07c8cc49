"""Room that is shared, such as memory for pixels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """Gives room to whoever asks, first come, first served.

    Args:
        size: How much there is.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator[None]:
        """Waits for room and holds it while the context lasts.

        Args:
            amount: How much; more than there is takes all of it, and nothing never waits.
        """
        amount = min(amount, self._size)
        if amount:
            await self._take(amount)
        try:
            yield
        finally:
            self._free += amount
            self._given_back.set()

    async def _take(self, amount: int) -> None:
        async with self._turn:
            while self._free < amount:
                self._given_back.clear()
                await self._given_back.wait()
            self._free -= amount
