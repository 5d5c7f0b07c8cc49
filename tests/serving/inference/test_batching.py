from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from serving.inference.batching import Batcher
from serving.inference.slots import RunSlots


def make_batcher(
    run: Callable[[Sequence[int], bool], Sequence[int]],
    *,
    size: int,
    delay: float,
    concurrent_runs: int = 1,
) -> Batcher[int, int]:
    """A batcher that has the processors to itself."""
    return Batcher(run, size=size, delay=delay, concurrent_runs=concurrent_runs, slots=RunSlots())


def test_items_that_arrive_together_run_together() -> None:
    batches: list[list[int]] = []

    def run(items: Sequence[int], exclusive: bool) -> list[int]:
        batches.append(list(items))
        return [item * item for item in items]

    async def main() -> list[int]:
        batcher = make_batcher(run, size=4, delay=0.05)
        results = await asyncio.gather(*(batcher.submit(item) for item in range(10)))
        await batcher.drain()
        return results

    assert asyncio.run(main()) == [item * item for item in range(10)]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_full_batch_does_not_wait() -> None:
    async def main() -> None:
        batcher = make_batcher(lambda items, exclusive: items, size=2, delay=60)
        await asyncio.wait_for(asyncio.gather(batcher.submit(1), batcher.submit(2)), 5)
        await batcher.drain()

    asyncio.run(main())


def test_while_one_batch_runs_the_next_one_fills() -> None:
    may_end = threading.Event()
    batches: list[int] = []

    def run(items: Sequence[int], exclusive: bool) -> Sequence[int]:
        batches.append(len(items))
        may_end.wait(5)
        return items

    async def main() -> None:
        batcher = make_batcher(run, size=8, delay=0)
        first = asyncio.create_task(batcher.submit(0))
        while not batches:
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(batcher.submit(item)) for item in range(5)]
        await asyncio.sleep(0.05)
        assert len(batcher._queue) == 5
        may_end.set()
        await asyncio.gather(first, *others)
        await batcher.drain()

    asyncio.run(main())
    assert batches == [1, 5]


def test_a_cancelled_item_is_left_out() -> None:
    seen: list[int] = []

    def run(items: Sequence[int], exclusive: bool) -> Sequence[int]:
        seen.extend(items)
        return items

    async def main() -> None:
        batcher = make_batcher(run, size=8, delay=0.1)
        tasks = [asyncio.create_task(batcher.submit(item)) for item in range(3)]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        assert await tasks[0] == 0
        assert await tasks[2] == 2
        await batcher.drain()

    asyncio.run(main())
    assert seen == [0, 2]


def test_an_error_reaches_every_caller_and_the_next_batch_runs() -> None:
    def run(items: Sequence[int], exclusive: bool) -> Sequence[int]:
        if 13 in items:
            raise ValueError("unlucky")
        return items

    async def main() -> None:
        batcher = make_batcher(run, size=2, delay=0.05)
        results = await asyncio.gather(
            batcher.submit(13), batcher.submit(1), return_exceptions=True
        )
        assert [str(result) for result in results] == ["unlucky", "unlucky"]
        assert await batcher.submit(2) == 2
        await batcher.drain()

    asyncio.run(main())


def test_draining_answers_what_is_queued() -> None:
    async def main() -> list[int]:
        batcher = make_batcher(lambda items, exclusive: items, size=2, delay=60)
        waiting = [asyncio.create_task(batcher.submit(item)) for item in range(5)]
        await asyncio.sleep(0.01)
        await batcher.drain()
        return await asyncio.gather(*waiting)

    assert asyncio.run(asyncio.wait_for(main(), 5)) == list(range(5))


def test_one_result_for_each_item_is_a_must() -> None:
    async def main() -> None:
        batcher = make_batcher(lambda items, exclusive: [], size=2, delay=0)
        with pytest.raises(ValueError, match="zip"):
            await asyncio.wait_for(batcher.submit(1), 2)

    asyncio.run(main())


def test_two_run_at_the_same_time_once_more_than_one_waits() -> None:
    """An item that comes alone gets all threads; what comes meanwhile waits for it."""
    may_end = [threading.Event() for _ in range(4)]
    began: list[tuple[int, bool]] = []

    def run(items: Sequence[int], exclusive: bool) -> Sequence[int]:
        began.append((items[0], exclusive))
        may_end[items[0]].wait(5)
        return items

    async def begun(count: int) -> None:
        while len(began) < count:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(began) == count

    async def main() -> None:
        batcher = make_batcher(run, size=1, delay=0, concurrent_runs=2)
        tasks = [asyncio.create_task(batcher.submit(0))]
        await begun(1)
        tasks += [asyncio.create_task(batcher.submit(item)) for item in (1, 2, 3)]
        await begun(1)
        may_end[0].set()
        await begun(3)
        may_end[2].set()
        await begun(4)
        may_end[1].set()
        may_end[3].set()
        await asyncio.gather(*tasks)
        await batcher.drain()

    asyncio.run(main())
    assert began == [(0, True), (1, False), (2, False), (3, False)]
