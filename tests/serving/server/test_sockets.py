"""The sockets of the service and of its clients."""

from __future__ import annotations

import asyncio
import pickle
import socket
from multiprocessing import reduction
from pathlib import Path

import httpx
import pytest

from serving.backends.remote_engine import OpenInferenceEngine
from serving.backends.torchserve import TorchServeBackend
from serving.client import Client
from serving.observability.metrics import Metrics
from serving.server.process import listen
from serving.settings import Settings
from tests.serving.command import assert_one_line, run
from tests.serving.running import free_ports


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_does_not_wait_for_an_acknowledgement(host: str) -> None:
    """TCP_NODELAY is on: the second write of an answer goes out at once."""
    assert asyncio.run(accepted_no_delay(listen(host, 0))) != 0


def test_a_worker_process_gets_the_same_socket() -> None:
    with listen("127.0.0.1", 0) as listener:
        copy = pickle.loads(reduction.ForkingPickler.dumps(listener))
    assert asyncio.run(accepted_no_delay(copy)) != 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_another_service_opened_is_one_line(bundle_path: Path, workers: str) -> None:
    """Also while that one still loads its model and accepts nothing."""
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        result = run("--bundle", str(bundle_path), "--port", port, "--workers", workers)
    assert_one_line(result, f"cannot listen on 127.0.0.1:{port}")


def test_two_ports_of_one_number_are_one_line(bundle_path: Path) -> None:
    [port] = map(str, free_ports(1))
    result = run("--bundle", str(bundle_path), "--port", port, "--internal-port", port)
    assert_one_line(result, f"cannot listen on 127.0.0.1:{port}")


def test_a_request_does_not_wait_for_an_acknowledgement(server: str) -> None:
    with Client(server) as client:
        assert no_delay(client._client) != 0
    assert no_delay(OpenInferenceEngine(server, "squares", timeout=5)._client) != 0


def test_a_request_to_torchserve_does_not_wait_for_an_acknowledgement(server: str) -> None:
    async def main() -> int:
        backend = TorchServeBackend(Settings(torchserve_url=server), Metrics())
        async with backend._client.stream("GET", "/healthz") as answer:
            option = option_of(answer)
        await backend.stop()
        return option

    assert asyncio.run(main()) != 0


def no_delay(client: httpx.Client) -> int:
    """TCP_NODELAY of the connection that a client opens."""
    with client.stream("GET", "/healthz") as answer:
        return option_of(answer)


def option_of(answer: httpx.Response) -> int:
    connection = answer.extensions["network_stream"].get_extra_info("socket")
    return int(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


async def accepted_no_delay(listener: socket.socket) -> int:
    """TCP_NODELAY of the connection that asyncio accepts on a listening socket."""
    option: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        option.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(connected, sock=listener):
        _, client = await asyncio.open_connection(*listener.getsockname()[:2])
        client.close()
        return await asyncio.wait_for(option, 5)
