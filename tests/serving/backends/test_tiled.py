"""Images with windows share the room for pixels and the processor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from serving.backends.embedded import EmbeddedBackend, Resources
from serving.backends.room import Room
from serving.backends.turns import FewestFirst
from serving.inference.pace import WindowPace
from serving.inference.tiles import TooSlowError
from serving.observability.metrics import Metrics
from serving.schemas.options import DetectOptions
from serving.settings import Settings
from tests.serving.images import SMALL_SQUARES, encode
from tests.serving.running import running

SMALL = encode(SMALL_SQUARES)
BLACK = encode(np.zeros((3000, 3000, 3), np.uint8))
MANY = DetectOptions(tiles=64)
"""Of ``BLACK``, 3969 windows."""


def test_an_image_of_many_windows_does_not_keep_another_waiting(tiled_bundle_path: Path) -> None:
    large = encode(np.tile(SMALL_SQUARES, (4, 4, 1)), "JPEG")

    async def compared() -> None:
        settings = Settings(bundle=tiled_bundle_path, threads=1, decode_threads=1)
        backend = EmbeddedBackend(settings, Metrics(), Resources.of(settings))
        await backend.reload()
        waiting = asyncio.create_task(backend.detect(large, DetectOptions()))
        await asyncio.sleep(0)
        found = await backend.detect(SMALL, DetectOptions())
        assert found.detections
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await backend.stop()

    asyncio.run(compared())


def test_windows_that_would_take_too_long_are_given_up_early(slow_bundle_path: Path) -> None:
    async def given_up() -> float:
        settings = Settings(bundle=slow_bundle_path, threads=1)
        backend = EmbeddedBackend(settings, Metrics(), Resources.of(settings))
        await backend.reload()
        began = asyncio.get_running_loop().time()
        with pytest.raises(TooSlowError, match=r"3969 windows .* ask for larger ones \(tiles\)"):
            await backend.detect(BLACK, MANY)
        took = asyncio.get_running_loop().time() - began
        await backend.stop()
        return took

    assert asyncio.run(given_up()) < 25


def test_the_service_says_so(slow_bundle_path: Path) -> None:
    with running("--bundle", str(slow_bundle_path), "--threads", "1") as server:
        answer = server.detect(BLACK, params={"tiles": "64"})
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:umop:problem:deadline-passed"
    assert "3969 windows" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "1"


def test_an_image_is_given_up_for_its_own_windows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("serving.inference.pace.monotonic", lambda: now[0])
    waiting, slow = WindowPace(336, until=30, at_a_time=2), WindowPace(336, until=30)
    for _ in range(20):
        now[0] += 0.75  # other images have their turns
        waiting.step(0.16)
    for _ in range(15):
        slow.step(0.5)
    with pytest.raises(TooSlowError, match="336 windows of the image would take some 168 s"):
        slow.step(0.5)


def test_windows_of_the_image_with_the_fewest_left_go_first() -> None:
    order: list[str] = []

    async def work(turns: FewestFirst, name: str, left: int) -> None:
        async with turns.turn(left):
            order.append(name)
            await asyncio.sleep(0)

    async def worked() -> None:
        turns = FewestFirst(1)
        images = {"a": 9, "many": 99, "few": 2, "gone": 1, "as few": 2}
        tasks = {
            name: asyncio.create_task(work(turns, name, left)) for name, left in images.items()
        }
        await asyncio.sleep(0)
        tasks["gone"].cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert order == ["a", "few", "as few", "many"]
        async with turns.turn(1):
            pass

    asyncio.run(worked())


def test_room_is_given_in_turn_and_comes_back() -> None:
    order: list[str] = []

    async def use(room: Room, name: str, amount: int, leave: asyncio.Event) -> None:
        async with room.take(amount):
            order.append(name)
            await leave.wait()

    async def used() -> None:
        room, leave = Room(10), {name: asyncio.Event() for name in "abcde"}
        amounts = {"a": 6, "b": 99, "c": 1, "d": 4, "e": 0}
        tasks = {}
        for name, amount in amounts.items():
            tasks[name] = asyncio.create_task(use(room, name, amount, leave[name]))
            await asyncio.sleep(0)
        assert order == ["a", "e"], "all of it is wanted before the little that is left"
        tasks["b"].cancel()
        await asyncio.gather(tasks["b"], return_exceptions=True)
        while len(order) < 3:
            await asyncio.sleep(0)
        assert order == ["a", "e", "c"]
        for event in leave.values():
            event.set()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        async with room.take(10):
            assert order == ["a", "e", "c", "d"]

    asyncio.run(used())
