"""Dynamic batching: requests that arrive together run together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class _Entry(Generic[Item, Result]):
    item: Item
    future: asyncio.Future[Result]
    arrived: float = field(default_factory=monotonic)


class Batcher(Generic[Item, Result]):
    """Gathers single items into batches and runs one batch at a time in a thread.

    An item whose caller was cancelled before its batch starts is left out. The queue holds
    whatever is submitted; `serving.guards.admission` bounds how much that is.

    Args:
        run: Called in the thread with 1 to `size` items; returns one result for each.
        size: Most items in a batch.
        delay: Seconds that an item waits for others while the thread is idle.
    """

    def __init__(
        self, run: Callable[[Sequence[Item]], Sequence[Result]], *, size: int, delay: float
    ) -> None:
        self._run = run
        self._size = size
        self._delay = delay
        self._queue: deque[_Entry[Item, Result]] = deque()
        self._changed = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._task = asyncio.create_task(self._serve())

    def __len__(self) -> int:
        """Number of waiting items."""
        return len(self._queue)

    async def submit(self, item: Item) -> Result:
        """Queues one item and waits for its result.

        Raises:
            Exception: What `run` raised for the item's batch.
        """
        entry = _Entry[Item, Result](item, asyncio.get_running_loop().create_future())
        self._queue.append(entry)
        self._changed.set()
        return await entry.future

    async def drain(self) -> None:
        """Answers what is queued, then ends the thread."""
        self._closing = True
        self._changed.set()
        await self._task
        await asyncio.to_thread(self._thread.shutdown)

    async def _serve(self) -> None:
        while await self._has_items():
            await self._wait_for_more()
            batch = [self._queue.popleft() for _ in range(min(self._size, len(self._queue)))]
            batch = [entry for entry in batch if not entry.future.done()]
            if batch:
                await self._answer(batch)

    async def _has_items(self) -> bool:
        while not self._queue and not self._closing:
            self._changed.clear()
            await self._changed.wait()
        return bool(self._queue)

    async def _wait_for_more(self) -> None:
        until = self._queue[0].arrived + self._delay
        while len(self._queue) < self._size and not self._closing:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(until - monotonic(), 0))
            except asyncio.TimeoutError:
                return

    async def _answer(self, batch: Sequence[_Entry[Item, Result]]) -> None:
        items = [entry.item for entry in batch]
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._run, items)
            answers = list(zip(batch, results, strict=True))
        except Exception as error:
            for entry in batch:
                if not entry.future.done():
                    entry.future.set_exception(error)
            return
        for entry, result in answers:
            if not entry.future.done():
                entry.future.set_result(result)
