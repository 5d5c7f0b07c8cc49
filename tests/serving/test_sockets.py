"""The sockets that the service listens on."""

from __future__ import annotations

import asyncio
import pickle
import socket
from multiprocessing import reduction

import pytest

from serving.server.process import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_does_not_wait_for_an_acknowledgement(host: str) -> None:
    """TCP_NODELAY is on: the second write of an answer goes out at once."""
    assert asyncio.run(accepted_no_delay(listen(host, 0))) != 0


def test_a_worker_process_gets_the_same_socket() -> None:
    with listen("127.0.0.1", 0) as listener:
        copy = pickle.loads(reduction.ForkingPickler.dumps(listener))
    assert asyncio.run(accepted_no_delay(copy)) != 0


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
