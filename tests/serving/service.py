"""A stand-in for a Service of Kubernetes: it decides for each new connection where it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from urllib.parse import urlsplit


@dataclass
class Service:
    """Where connections come in, and where new ones go.

    Attributes:
        target: The server's address.
        url: Its own.
    """

    target: str
    url: str = ""

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.target)
        try:
            answers, requests = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(pipe(reader, requests), pipe(answers, writer))


async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(2**16):
            sink.write(data)
            await sink.drain()
    sink.close()


@contextmanager
def service(target: str) -> Iterator[Service]:
    """Forwards connections while the context lasts."""
    made, loop = Service(target), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(made.forward, "127.0.0.1", 0))
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
