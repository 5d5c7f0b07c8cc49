"""Threads that hang are replaced, as long as few do."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from threading import Event
from time import monotonic

import pytest

from serving.guards.admission import OverloadedError
from serving.guards.threads import GuardedThreads


@pytest.fixture
def end() -> Iterator[Event]:
    """Ends the work that hangs."""
    event = Event()
    yield event
    event.set()


async def hang(threads: GuardedThreads, end: Event) -> asyncio.Future[None]:
    """Gives threads work that one of its threads does not come back from."""
    started = Event()

    def work() -> None:
        started.set()
        end.wait()

    task = asyncio.ensure_future(threads.run(work))
    await asyncio.sleep(0)
    assert await asyncio.to_thread(started.wait, 10)
    return task


def test_work_is_done_and_its_errors_are_raised() -> None:
    threads = GuardedThreads(1, seconds=10, name="work")
    assert asyncio.run(threads.run(lambda a, b: a + b, 1, b=2)) == 3
    with pytest.raises(ZeroDivisionError):
        asyncio.run(threads.run(lambda: 1 / 0))
    assert threads.stuck == 0
    threads.close()


def test_another_thread_takes_the_place_of_one_that_hangs(end: Event) -> None:
    async def go_on() -> int:
        threads = GuardedThreads(1, seconds=0, name="work")
        _late = await hang(threads, end)
        assert threads.stuck == 1
        return await threads.run(lambda: 5)

    assert asyncio.run(go_on()) == 5


def test_threads_that_were_only_late_count_no_more(end: Event) -> None:
    async def recover() -> list[int]:
        threads = GuardedThreads(1, seconds=0, name="work")
        results = []
        for number in range(6):
            late = await hang(threads, end)
            results.append(await asyncio.wait_for(threads.run(lambda it=number: it), 30))
            end.set()
            await late
            end.clear()
        return results

    assert asyncio.run(recover()) == [0, 1, 2, 3, 4, 5]


def test_work_that_waits_for_threads_that_are_replaced_is_to_be_tried_again(
    end: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def replace() -> int:
        threads = GuardedThreads(1, seconds=60, name="work")
        _late = await hang(threads, end)
        waiting = asyncio.ensure_future(threads.run(lambda: 3))
        await asyncio.sleep(0)
        monkeypatch.setattr("serving.guards.threads.monotonic", lambda: monotonic() + 61)
        result = await threads.run(lambda: 5)
        with pytest.raises(OverloadedError, match="there is no thread for it; try again soon"):
            await waiting
        return result

    assert asyncio.run(replace()) == 5


def test_work_that_nobody_waits_for_any_more_is_not_begun(end: Event) -> None:
    done: list[str] = []

    async def leave() -> None:
        threads = GuardedThreads(1, seconds=60, name="work")
        _before = await hang(threads, end)
        left = asyncio.ensure_future(threads.run(done.append, "left"))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        end.set()
        await threads.run(done.append, "awaited")

    asyncio.run(leave())
    assert done == ["awaited"]


def test_the_process_stops_once_too_many_hang(end: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr("os.kill", lambda _, number: told.append(number))

    async def give_up() -> None:
        threads = GuardedThreads(1, seconds=0, name="work")
        _late = [await hang(threads, end) for _ in range(4)]
        for _ in range(2):
            with pytest.raises(OverloadedError, match="all threads that work hang"):
                await threads.run(lambda: None)

    asyncio.run(give_up())
    assert told == [signal.SIGTERM], "once"
