"""Takes many pieces of work a few at a time, so that others get between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TypeVar

from serving.inference.tiles import TooSlowError

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")
_FIRST_LOOK = 16
_PATIENCE = 2
"""How many times the time that is left the rest may take: others may be done soon."""


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


class WindowPace:
    """Gives an image up whose windows would take much longer than there is time for.

    Args:
        windows: How many it has.
        until: When all must be done, as ``perf_counter`` counts.
    """

    def __init__(self, windows: int, until: float) -> None:
        self._windows = windows
        self._until = until
        self._began = perf_counter()
        self._done = 0

    def step(self) -> None:
        """Counts a window that is done.

        Raises:
            TooSlowError: The others would take much longer than is left.
        """
        self._done += 1
        now = perf_counter()
        each = (now - self._began) / self._done
        rest = each * (self._windows - self._done)
        if self._done >= _FIRST_LOOK and rest > _PATIENCE * (self._until - now):
            raise TooSlowError(
                f"{self._windows} windows of the image would take some {each * self._windows:.0f} "
                "s, which is too long; ask for larger ones (tiles), or send a smaller image"
            )
