"""Lookups of hosts' names, in threads of their own."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import ip_address
from threading import Semaphore

from serving.guards.admission import OverloadedError

_BUSY = "too many names of hosts are being looked up; try again soon"


class Lookups:
    """Looks names of hosts up, some at the same time.

    A lookup cannot be ended: where a name server does not answer, its thread is busy long after
    everyone has stopped waiting. Other lookups are refused then, and nothing else waits.

    Args:
        threads: Lookups at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._free = Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lookup")

    async def addresses(self, host: str, port: int) -> list[str]:
        """Returns the addresses of a host; an address is its own, and takes no thread.

        Args:
            host: Its name, or an address.
            port: What is to be connected to.

        Raises:
            OverloadedError: All threads are busy.
            OSError: There is no such host.
            ValueError: It is no name of a host.
        """
        if _is_address(host):
            return [host]
        if not self._free.acquire(blocking=False):
            raise OverloadedError(_BUSY)
        return await asyncio.wrap_future(self._start(host, port))

    def close(self) -> None:
        """Ends the threads; those that are busy are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, host: str, port: int) -> Future[list[str]]:
        try:
            future = self._pool.submit(_addresses, host, port)
        except RuntimeError as error:
            self._free.release()
            raise OverloadedError(_BUSY) from error
        future.add_done_callback(lambda _: self._free.release())
        return future


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
