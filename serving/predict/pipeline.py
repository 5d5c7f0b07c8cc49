"""Work on many things at the same time, in order and in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


def in_order(
    work: Callable[[_Thing], _Result], things: Iterable[_Thing], threads: int
) -> Iterator[_Result]:
    """Yields results in the order of the things, each as soon as it is its turn.

    Twice as many things as threads are held at most, so that a slow one does not stop the others
    at once.

    Args:
        work: What is done with each thing.
        things: Taken when there is room for them, by the caller's thread.
        threads: Things worked on at the same time.
    """
    begun: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for thing in things:
                begun.append(pool.submit(work, thing))
                while begun and (begun[0].done() or len(begun) >= 2 * threads):
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
