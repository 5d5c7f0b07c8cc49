"""Lookups of hosts' names, in threads of their own."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread

import anyio

from serving.guards.admission import OverloadedError

_PATIENCE = 1.0
"""Seconds that a lookup waits for others: name servers that answer take a part of that."""
_BUSY = "too many names of hosts are being looked up; try again soon"


class Lookups:
    """Looks names of hosts up, some at the same time.

    A lookup cannot be ended: where a name server does not answer, its thread is busy long after
    everyone has stopped waiting. Other names are refused then, and nothing else waits.

    Args:
        most: Lookups at the same time.
    """

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Returns the addresses of a host; an address is its own, and is not looked up.

        Args:
            host: Its name, or an address.
            port: What is to be connected to.

        Raises:
            OverloadedError: Too many names are being looked up.
            OSError: There is no such host.
            ValueError: It is no name of a host.
        """
        if _is_address(host):
            return [host]
        try:
            with anyio.fail_after(_PATIENCE):  # asyncio's own may lose a cancellation before 3.12
                await self._free.acquire()
        except TimeoutError as error:
            raise OverloadedError(_BUSY) from error
        return await asyncio.wrap_future(self._start(host, port))

    def _start(self, host: str, port: int) -> Future[list[str]]:
        loop = asyncio.get_running_loop()

        def look_up() -> None:
            try:
                result.set_result(_addresses(host, port))
            except Exception as error:
                result.set_exception(error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._free.release)

        result: Future[list[str]] = Future()
        result.set_running_or_notify_cancel()
        try:
            # A daemon, which the end of the process does not wait for.
            Thread(target=look_up, name="lookup", daemon=True).start()
        except RuntimeError as error:
            self._free.release()
            raise OverloadedError(_BUSY) from error
        return result


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
