"""Dynamic batching: requests that arrive together run together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from serving.inference.slots import RunSlots

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass
class _Entry(Generic[_Item, _Result]):
    item: _Item
    future: asyncio.Future[_Result]
    arrived: float = field(default_factory=monotonic)


class Batcher(Generic[_Item, _Result]):
    """Gathers single items into batches and runs them in threads.

    An item whose caller was cancelled before its batch starts is left out. The queue holds
    whatever is submitted; ``serving.guards.admission`` bounds how much that is.

    Args:
        run: Called in a thread with 1 to ``size`` items, and whether no other batch will run at the
            same time; returns one result for each item.
        size: Most items in a batch.
        delay: Seconds that an item waits for others while a thread is idle.
        concurrent_runs: Most batches at the same time.
        slots: Shared with the batchers of other models.
    """

    def __init__(
        self,
        run: Callable[[Sequence[_Item], bool], Sequence[_Result]],
        *,
        size: int,
        delay: float,
        concurrent_runs: int,
        slots: RunSlots,
    ) -> None:
        self._run = run
        self._size = size
        self._delay = delay
        self._concurrent_runs = concurrent_runs
        self._queue: deque[_Entry[_Item, _Result]] = deque()
        self._changed = asyncio.Event()
        self._closing = False
        self._running: set[asyncio.Task[None]] = set()
        self._slots = slots
        self._threads = ThreadPoolExecutor(concurrent_runs, thread_name_prefix="inference")
        self._task = asyncio.create_task(self._serve())

    async def submit(self, item: _Item) -> _Result:
        """Queues one item and waits for its result.

        Raises:
            Exception: What ``run`` raised for the item's batch.
        """
        entry = _Entry[_Item, _Result](item, asyncio.get_running_loop().create_future())
        self._queue.append(entry)
        self._changed.set()
        return await entry.future

    async def drain(self) -> None:
        """Answers what is queued, then ends the threads."""
        self._closing = True
        self._changed.set()
        await self._task
        await asyncio.to_thread(self._threads.shutdown)

    async def _serve(self) -> None:
        while await self._has_items():
            await self._wait_for_more()
            await self._slots.take(self._concurrent_runs)
            batch = [self._queue.popleft() for _ in range(min(self._size, len(self._queue)))]
            batch = [entry for entry in batch if not entry.future.done()]
            if batch:
                self._start(batch)
            else:
                await self._slots.give_back()
        await asyncio.gather(*self._running)

    def _start(self, batch: Sequence[_Entry[_Item, _Result]]) -> None:
        exclusive = self._slots.begin(has_followers=bool(self._queue))
        task = asyncio.create_task(self._answer(batch, exclusive))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

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

    async def _answer(self, batch: Sequence[_Entry[_Item, _Result]], exclusive: bool) -> None:
        items = [entry.item for entry in batch]
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._threads, self._run, items, exclusive)
            answers = list(zip(batch, results, strict=True))
        except Exception as error:
            for entry in batch:
                if not entry.future.done():
                    entry.future.set_exception(error)
            return
        finally:
            await self._slots.give_back()
        for entry, result in answers:
            if not entry.future.done():
                entry.future.set_result(result)
