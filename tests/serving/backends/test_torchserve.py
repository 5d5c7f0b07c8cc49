"""What the front makes of a TorchServe that goes: connections that are cut, and that grow old."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.backends.torchserve import TorchServeBackend
from serving.observability.metrics import Metrics
from serving.schemas.options import DetectOptions
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle

PNG = encode(TWO_SQUARES)
BODY = (
    b'{"model": {"name": "squares", "version": "1"}, "image": {"width": 64, "height": 64},'
    b' "detections": [], "timing_ms": {}}'
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
RESET = struct.pack("ii", 1, 0)


@dataclass
class StandIn:
    """A server that answers as TorchServe does.

    Attributes:
        cuts: How many kept-alive connections it cuts when the next request has come.
        connections: How many were made.
    """

    cuts: int = 0
    connections: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError):  # the client has closed it
            await read_request(reader)
            writer.write(ANSWER)
            while await read_request(reader):
                if self.cuts:
                    self.cuts -= 1
                    return cut(writer)
                writer.write(ANSWER)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    [length] = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
    return await reader.readexactly(int(length.partition(b":")[2]))


def cut(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def detect_times(backend: TorchServeBackend, times: int) -> None:
    await backend.start()
    for _ in range(times):
        assert (await backend.detect(PNG, DetectOptions())).model.name == "squares"
    await backend.stop()


async def connections_for(server: StandIn, bundle: Path, times: int) -> int:
    async with server.listening() as url:
        settings = Settings(backend="torchserve", bundle=bundle, torchserve_url=url)
        await detect_times(TorchServeBackend(settings, Metrics()), times)
    return server.connections


def test_a_request_whose_connection_is_cut_is_repeated(bundle_path: Path) -> None:
    assert asyncio.run(connections_for(StandIn(cuts=2), bundle_path, 5)) == 3


def test_a_young_connection_is_kept(bundle_path: Path) -> None:
    assert asyncio.run(connections_for(StandIn(), bundle_path, 3)) == 1


def test_an_old_connection_is_left(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.backends.torchserve.CONNECTION_AGE", 0.0)
    assert asyncio.run(connections_for(StandIn(), bundle_path, 3)) == 3


def test_the_metric_names_the_model_that_answers(tmp_path: Path) -> None:
    metrics, bundle = Metrics(), tmp_path / "squares.bundle"
    backend = TorchServeBackend(Settings(backend="torchserve", bundle=bundle), metrics)
    make_bundle(bundle, version="1")
    asyncio.run(backend.start())
    shutil.rmtree(bundle)
    make_bundle(bundle, version="2")
    asyncio.run(backend.reload())
    page = metrics.page().decode()
    assert 'umop_model_info{name="squares",version="1"} 0.0' in page
    assert 'umop_model_info{name="squares",version="2"} 1.0' in page
