"""Names whose servers do not answer hold up nothing but other names."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from serving.guards.admission import OverloadedError
from serving.guards.budget import ByteBudget, Held
from serving.guards.fetch import Fetcher, ImageFetchError

MOST = 16


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Lookups are answered once this is set."""
    answering = Event()
    look_up = socket.getaddrinfo

    def stalled(*arguments: Any, **options: Any) -> Any:
        answering.wait(60)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stalled)
    yield answering
    answering.set()


async def fetch(fetcher: Fetcher, host: str = "localhost") -> bytes:
    return await fetcher.fetch(f"https://{host}/image.png", Held(ByteBudget(10**9)))


async def give_up(fetcher: Fetcher) -> None:
    """Stops waiting for as many names as are looked up at the same time."""
    given_up = await asyncio.gather(*(fetch(fetcher) for _ in range(MOST)), return_exceptions=True)
    assert [str(each) for each in given_up] == ["the image's server did not answer in time"] * MOST


async def free(fetcher: Fetcher) -> None:
    """Waits until names are looked up again."""
    while True:
        try:
            await fetch(fetcher)
        except OverloadedError:
            await asyncio.sleep(0.05)
        except ImageFetchError:
            return


def test_other_work_in_threads_goes_on(name_server: Event) -> None:
    async def main() -> None:
        fetcher = Fetcher(100_000, 0.2)
        try:
            await give_up(fetcher)
            await asyncio.wait_for(asyncio.to_thread(int), 10)
        finally:
            name_server.set()
            await fetcher.close()

    asyncio.run(main())


def test_further_names_are_refused_until_the_others_are_found(name_server: Event) -> None:
    async def main() -> None:
        fetcher = Fetcher(100_000, 2)
        try:
            await give_up(fetcher)
            with pytest.raises(OverloadedError, match="too many names of hosts"):
                await fetch(fetcher)
            name_server.set()
            await asyncio.wait_for(free(fetcher), 10)
            with pytest.raises(ImageFetchError, match="not on the public internet"):
                await fetch(fetcher)
        finally:
            name_server.set()
            await fetcher.close()

    asyncio.run(main())


def test_names_that_are_waited_for_take_no_connection(name_server: Event) -> None:
    async def main() -> None:
        fetcher = Fetcher(100_000, 30)
        waiting = [asyncio.create_task(fetch(fetcher)) for _ in range(MOST)]
        await asyncio.sleep(0.1)
        with pytest.raises(ImageFetchError, match="not on the public internet"):
            await asyncio.wait_for(fetch(fetcher, "127.0.0.1"), 10)
        name_server.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        await fetcher.close()

    asyncio.run(main())


@pytest.mark.parametrize("turns", range(9))
def test_a_fetch_can_be_ended_at_every_moment(turns: int) -> None:
    async def main() -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as silent:
            port = silent.sockets[0].getsockname()[1]
            fetcher = Fetcher(100_000, 600, allow=lambda _: True)
            fetching = asyncio.create_task(fetch(fetcher, f"localhost:{port}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            fetching.cancel()
            await asyncio.wait([fetching], timeout=20)
            assert fetching.cancelled()
            await fetcher.close()

    asyncio.run(main())


def test_the_end_of_the_process_waits_for_no_name() -> None:
    program = """
import asyncio, contextlib, socket, time
from serving.guards.lookups import Lookups
socket.getaddrinfo = lambda *_, **__: time.sleep(600)
with contextlib.suppress(asyncio.TimeoutError):
    asyncio.run(asyncio.wait_for(Lookups(1).addresses("host", 443), 0.1))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[fe80::1%25lo]"])
def test_an_address_waits_for_no_name(name_server: Event, host: str) -> None:
    async def main() -> None:
        fetcher = Fetcher(100_000, 0.2)
        try:
            await give_up(fetcher)
            with pytest.raises(ImageFetchError, match="not on the public internet"):
                await fetch(fetcher, host)
        finally:
            name_server.set()
            await fetcher.close()

    asyncio.run(main())
