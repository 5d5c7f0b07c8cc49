"""Takes many pieces of work a few at a time, so that others get between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")


async def in_turn(
    pieces: Sequence[_Piece], work: Callable[[_Piece], Awaitable[_Result]], at_a_time: int
) -> list[_Result]:
    """Works on pieces, a few at a time; the first failure ends the work on the others.

    Args:
        pieces: What to work on.
        work: Makes a piece's result.
        at_a_time: Most pieces in work.

    Returns:
        The pieces' results, in their order.
    """
    results: dict[int, _Result] = {}
    waiting = iter(enumerate(pieces))

    async def take() -> None:
        for place, piece in waiting:
            results[place] = await work(piece)

    tasks = [asyncio.create_task(take()) for _ in range(min(at_a_time, len(pieces)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return [results[place] for place in range(len(pieces))]


class FewestFirst:
    """Lets a few windows in at a time, those of the image with the fewest left before others.

    So an image of few windows does not wait for one of thousands, and of images of as many the
    first is done before the last has begun.

    Args:
        at_a_time: Most windows in work.
    """

    def __init__(self, at_a_time: int) -> None:
        self._free = at_a_time
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, left: int) -> AsyncIterator[None]:
        """Waits for a turn and has it while the context lasts.

        Args:
            left: How many windows of the image are to be done.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(left)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, left: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (left, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
