"""What the front makes of a TorchServe that goes: connections that are cut, and that grow old."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, time

import pytest

from serving.backends.torchserve import TorchServeBackend
from serving.inference.tiles import TooSlowError
from serving.observability.metrics import Metrics
from serving.schemas.detections import DetectionResult
from serving.schemas.options import DetectOptions
from serving.settings import Settings
from serving.torchserve.predictions import refuse
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle

PNG = encode(TWO_SQUARES)
BODY = (
    b'{"model": {"name": "squares", "version": "1"}, "image": {"width": 64, "height": 64},'
    b' "detections": [], "timing_ms": {"inference": 40}}'
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
PLAIN = DetectOptions()
RESET = struct.pack("ii", 1, 0)


@dataclass
class StandIn:
    """A server that answers as TorchServe does.

    Attributes:
        cuts: How many kept-alive connections it cuts when the next request has come.
        seconds: How long it takes to answer.
        connections: How many were made.
        answered: What it answers first.
        asked: The head of each connection's first request.
        seconds_left: What each of them says is left until the front leaves.
    """

    cuts: int = 0
    seconds: float = 0
    connections: int = 0
    answered: bytes = ANSWER
    asked: bytes = b""
    seconds_left: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError):  # the client has closed it
            self.asked = await read_request(reader)
            self.seconds_left.append(float(header(self.asked, b"x-umop-until")) - time())
            await asyncio.sleep(self.seconds)
            writer.write(self.answered)
            while await read_request(reader):
                if self.cuts:
                    self.cuts -= 1
                    return cut(writer)
                writer.write(ANSWER)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    [length] = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
    await reader.readexactly(int(length.partition(b":")[2]))
    return head


def header(head: bytes, name: bytes) -> bytes:
    return dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)[name]


def cut(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


@asynccontextmanager
async def front_of(
    server: StandIn, bundle: Path, *, remote_connections: int = 16
) -> AsyncIterator[TorchServeBackend]:
    async with server.listening() as url:
        settings = Settings(
            backend="torchserve",
            bundle=bundle,
            torchserve_url=url,
            remote_connections=remote_connections,
        )
        backend = TorchServeBackend(settings, Metrics())
        await backend.reload()
        yield backend
        await backend.stop()


async def answers_of(
    server: StandIn, bundle: Path, times: int, options: DetectOptions = PLAIN
) -> list[DetectionResult]:
    async with front_of(server, bundle) as backend:
        answers = [await backend.detect(PNG, options) for _ in range(times)]
    assert {answer.model.name for answer in answers} == {"squares"}
    return answers


async def connections_for(server: StandIn, bundle: Path, times: int) -> int:
    await answers_of(server, bundle, times)
    return server.connections


def test_a_request_whose_connection_is_cut_is_repeated(bundle_path: Path) -> None:
    assert asyncio.run(connections_for(StandIn(cuts=2), bundle_path, 5)) == 3


def test_a_young_connection_is_kept(bundle_path: Path) -> None:
    assert asyncio.run(connections_for(StandIn(), bundle_path, 3)) == 1


def test_an_old_connection_is_left(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.backends.torchserve.CONNECTION_AGE", 0.0)
    assert asyncio.run(connections_for(StandIn(), bundle_path, 3)) == 3


def test_no_time_counts_in_two_stages(bundle_path: Path) -> None:
    started = perf_counter()
    [answer] = asyncio.run(answers_of(StandIn(seconds=0.05), bundle_path, 1))
    elapsed = perf_counter() - started
    assert answer.seconds["inference"] == 0.04
    assert answer.seconds["remote"] > 0.009
    assert sum(answer.seconds.values()) <= elapsed


def test_a_class_may_have_any_name_and_when_the_front_leaves_is_said(tmp_path: Path) -> None:
    server, bundle = StandIn(), make_bundle(tmp_path / "squares.bundle")
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"red"', '"pélican"'), "utf-8")
    sent = time()
    asyncio.run(answers_of(server, bundle, 1, DetectOptions(classes=("pélican",))))
    assert json.loads(header(server.asked, b"x-umop-options")) == {"classes": ["pélican"]}
    assert sent + 10 <= float(header(server.asked, b"x-umop-until")) <= time() + 10


def test_waiting_for_a_connection_takes_none_of_the_time_for_an_answer(bundle_path: Path) -> None:
    closed = ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    server = StandIn(answered=closed, seconds=0.5)

    async def several() -> None:
        async with front_of(server, bundle_path, remote_connections=1) as backend:
            await asyncio.gather(*(backend.detect(PNG, PLAIN) for _ in range(4)))

    asyncio.run(several())
    assert len(server.seconds_left) == 4
    assert min(server.seconds_left) > 9.5


def test_windows_that_take_too_long_are_no_failure_of_it(bundle_path: Path) -> None:
    body = refuse(TooSlowError("143 windows of the image would take some 9 s")).body
    head = b"HTTP/1.1 503 Slow\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)

    async def refused() -> None:
        async with front_of(StandIn(answered=head + body), bundle_path) as backend:
            for _ in range(4):
                with pytest.raises(TooSlowError, match="143 windows of the image"):
                    await backend.detect(PNG, PLAIN)

    asyncio.run(refused())


def test_the_metric_names_the_model_that_answers(tmp_path: Path) -> None:
    metrics, bundle = Metrics(), tmp_path / "squares.bundle"
    backend = TorchServeBackend(Settings(backend="torchserve", bundle=bundle), metrics)
    make_bundle(bundle, version="1")
    asyncio.run(backend.reload())
    shutil.rmtree(bundle)
    make_bundle(bundle, version="2")
    asyncio.run(backend.reload())
    page = metrics.page().decode()
    assert 'umop_model_info{name="squares",version="1"} 0.0' in page
    assert 'umop_model_info{name="squares",version="2"} 1.0' in page
