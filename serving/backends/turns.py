"""Takes many pieces of work a few at a time, so that others get between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
