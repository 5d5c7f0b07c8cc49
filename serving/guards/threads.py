"""Threads for work that cannot be ended, such as decoding: those that are stuck are replaced."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident
from time import monotonic
from typing import ParamSpec, TypeVar

from serving.guards.admission import OverloadedError

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_MOST_REPLACED = 3
"""Times the number of threads: so many that others took the place of may still hang."""
_NO_THREAD = "there is no thread for it; try again soon"

_log = logging.getLogger(__name__)


class GuardedThreads:
    """A number of threads, each of which should end its work in time.

    What comes in is bounded before it is worked on, so nothing known is ever late. If something
    is, other requests go on: once no thread is left, others take their place, as long as few hang.

    Args:
        threads: Work done at the same time.
        seconds: The longest that work takes.
        name: What the threads do, as in ``decode``.
    """

    def __init__(self, threads: int, seconds: float, name: str) -> None:
        self._threads = threads
        self._seconds = seconds
        self._name = name
        self._replaced: list[dict[int, float]] = []
        self._gave_up = False
        self._start()

    @property
    def stuck(self) -> int:
        """How many threads are late, of those whose place no others took."""
        latest = monotonic() - self._seconds
        return sum(began < latest for began in list(self._began.values()))

    def require_thread(self) -> None:
        """Puts others in the place of threads that are all late.

        Where many before them still hang, the process is told to stop, for another to be started.

        Raises:
            OverloadedError: All threads are late.
        """
        if self.stuck < self._threads:
            return
        if sum(map(len, self._replaced)) >= self._threads * _MOST_REPLACED:
            self._give_up()
            raise OverloadedError(f"all threads that {self._name} hang")
        _log.error("all threads that %s are late; others take their place", self._name)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._replaced = [began for began in (*self._replaced, self._began) if began]
        self._start()

    async def run(
        self,
        work: Callable[_Arguments, _Result],
        *arguments: _Arguments.args,
        **options: _Arguments.kwargs,
    ) -> _Result:
        """Returns the result of work that a thread does.

        Args:
            work: The work, which cannot be ended from outside.
            arguments: What it is given.
            options: What it is given by name.

        Raises:
            OverloadedError: There is no thread for it, or its thread is given up before it starts.
        """
        self.require_thread()
        began = self._began

        def timed() -> _Result:
            began[get_ident()] = monotonic()
            try:
                return work(*arguments, **options)
            finally:
                del began[get_ident()]

        try:
            future = self._pool.submit(timed)
        except RuntimeError as error:
            raise OverloadedError(_NO_THREAD) from error
        result = asyncio.wrap_future(future)
        try:
            await asyncio.wait([result])
        finally:
            result.cancel()
        if result.cancelled():  # not by the caller, whose cancellation leaves the lines above
            raise OverloadedError(_NO_THREAD)
        return result.result()

    def close(self) -> None:
        """Ends the threads; those that are stuck are not waited for."""
        self._pool.shutdown(wait=not self.stuck, cancel_futures=True)

    def _start(self) -> None:
        self._began: dict[int, float] = {}
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)

    def _give_up(self) -> None:
        if not self._gave_up:
            self._gave_up = True
            _log.critical("all threads that %s hang; the process stops", self._name)
            os.kill(os.getpid(), signal.SIGTERM)
