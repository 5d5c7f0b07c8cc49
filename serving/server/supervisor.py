"""Running the service in several processes that share its ports.

A subclass of uvicorn's ``Multiprocess`` was tried in this place, and failed half of the tests of
several workers: it starts a dead worker again without a pause; ends the service when any worker
cannot start, also later, when the others answer; does not say why it cannot; and keeps the port
open while the workers stop. Keeping those promises overrides all of its methods. Its pings are
answered by a thread of the worker, so that they miss an event loop that is blocked; here it is the
event loop that says every second that it runs.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing import connection, resource_tracker
from multiprocessing.context import SpawnProcess
from time import monotonic
from types import FrameType
from typing import NoReturn

from prometheus_client.multiprocess import mark_process_dead

from serving.observability import logs, metrics
from serving.server.process import BEAT_SECONDS, StartError, address, run
from serving.settings import Settings

_log = logging.getLogger(__name__)
_NAME = "umop-serve worker"
_START_FAILED = 2
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60.0
_POLL_SECONDS = 0.05
_BEATS_MISSED_BY_A_HUNG_WORKER = 30
_STOPS = {signal.SIGINT, signal.SIGTERM}

_Message = str | StartError | None
"""What a worker says: its model's name once it is ready, why it cannot start, or that it lives."""


@dataclass
class _Worker:
    """A worker's process.

    Attributes:
        number: One that no other living worker has.
        inbox: Brings its messages.
        missed: Beats that it should have sent since its last one; None until it is ready.
    """

    process: SpawnProcess
    number: int
    inbox: connection.Connection
    missed: int | None = None


class Supervisor:
    """Starts the workers, replaces those that die, and forwards signals to them.

    A worker that cannot start ends the service only at the first start. Later the others continue,
    and another is started after a pause, which doubles while workers keep dying early. A worker
    whose event loop has said nothing for half a minute is killed, and so replaced.

    Args:
        settings: How many workers there are, and what they do.
        sockets: Bound sockets that all workers listen on, the public one first.
    """

    def __init__(self, settings: Settings, sockets: list[socket.socket]) -> None:
        self._settings = settings
        self._sockets = sockets
        self._address = address(sockets[0])
        self._spawn = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._stopping = False
        self._ready = 0
        self._pause = _FIRST_PAUSE
        self._last_start = monotonic()
        self._restarts: list[float] = []
        self._next_count = monotonic()

    def run(self) -> None:
        """Serves until SIGINT or SIGTERM.

        Raises:
            StartError: A worker could not start; the message says why.
        """
        logs.configure(self._settings)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        with tempfile.TemporaryDirectory(prefix="umop-metrics-") as folder:
            os.environ[metrics.SHARED_FOLDER] = folder
            for _ in range(self._settings.workers):
                self._start()
            self._watch()

    @property
    def _is_up(self) -> bool:
        """Whether all workers have been ready."""
        return self._ready >= self._settings.workers

    def _start(self) -> None:
        """Starts a worker unless the service stops; once it is up, later where that fails.

        Raises:
            StartError: The worker cannot be started, and the service is not up yet.
        """
        self._last_start = monotonic()
        try:
            self._start_process()
        except OSError as error:
            reason = f"a worker cannot be started: {error.strerror or error}"
            if not self._is_up:
                self._give_up(StartError(reason))
            self._start_later(reason)

    def _start_process(self) -> None:
        resource_tracker.ensure_running()  # which unblocks the signals
        # A stop waits until the worker is in the list. Workers inherit this, too: until they serve,
        # Ctrl+C would end them with a traceback.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            if self._stopping:
                return
            taken = {worker.number for worker in self._workers}
            number = next(each for each in count() if each not in taken)
            os.environ[metrics.WORKER] = str(number)
            inbox, outbox = self._spawn.Pipe(duplex=False)
            with outbox:  # only the worker's end stays open: its inbox ends with it
                arguments = (self._settings, self._sockets, outbox)
                process = self._spawn.Process(target=_work, args=arguments, name=_NAME)
                process.start()
            self._workers.append(_Worker(process, number, inbox))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

    def _watch(self) -> None:
        while self._workers or self._restarts:
            self._hear(_POLL_SECONDS if self._restarts else BEAT_SECONDS)
            for worker in [each for each in self._workers if each.process.exitcode is not None]:
                self._workers.remove(worker)
                worker.inbox.close()
                mark_process_dead(worker.number)  # type: ignore[no-untyped-call]  # its gauges
                self._replace(worker.process)
            self._restart()
            self._count_beats()

    def _hear(self, timeout: float) -> None:
        """Waits until a worker says something or ends."""
        ends = [worker.process.sentinel for worker in self._workers]
        heard = connection.wait([*ends, *(worker.inbox for worker in self._workers)], timeout)
        for worker in [each for each in self._workers if each.inbox in heard]:
            with suppress(EOFError):  # it has ended
                self._handle(worker, worker.inbox.recv())

    def _count_beats(self) -> None:
        """Kills workers that have missed too many beats.

        Beats are counted, not seconds: after the whole service was frozen, one is missed.
        """
        if monotonic() < self._next_count:
            return
        self._next_count = monotonic() + BEAT_SECONDS
        for worker in self._workers:
            if worker.missed is None or self._stopping:
                continue
            worker.missed += 1
            if worker.missed > _BEATS_MISSED_BY_A_HUNG_WORKER:
                _log.error("worker %s hangs; killing it", worker.process.pid)
                worker.process.kill()

    def _handle(self, worker: _Worker, message: _Message) -> None:
        if message is None:
            worker.missed = 0
            return
        if isinstance(message, StartError) and self._is_up:
            _log.error("a worker could not be replaced: %s", message)
            return
        if isinstance(message, StartError):
            self._give_up(message)
        worker.missed = 0
        self._ready += 1
        if self._ready == self._settings.workers:
            print(f"serving {message} on {self._address}", flush=True)

    def _give_up(self, error: StartError) -> NoReturn:
        self._stop(signal.SIGTERM)
        for worker in self._workers:
            worker.process.join()
        raise error

    def _replace(self, process: SpawnProcess) -> None:
        if self._stopping or (process.exitcode == _START_FAILED and not self._is_up):
            return
        self._start_later(f"worker {process.pid} ended with {process.exitcode}")

    def _start_later(self, reason: str) -> None:
        """Starts a worker after a pause, which doubles while they keep dying early."""
        died_early = monotonic() - self._last_start < _STEADY_SECONDS
        pause, self._pause = self._pause, _FIRST_PAUSE
        if died_early:
            self._pause = min(2 * pause, _LONGEST_PAUSE)
        _log.error("%s; starting another in %g s", reason, pause)
        self._restarts.append(monotonic() + pause)

    def _restart(self) -> None:
        """Starts the workers whose pause is over, none if the service stops."""
        now = monotonic()
        due = [each for each in self._restarts if each <= now]
        self._restarts = [each for each in self._restarts if each > now and not self._stopping]
        for _ in due:
            self._start()

    def _stop(self, number: int, frame: FrameType | None = None) -> None:
        """Stops the workers; the second Ctrl+C does not wait for requests in progress."""
        is_second = self._stopping and number == signal.SIGINT
        self._stopping = True
        for listener in self._sockets:  # else clients would connect to it once no worker accepts
            listener.close()
        self._send(signal.SIGINT if is_second else signal.SIGTERM)

    def _reload(self, number: int, frame: FrameType | None) -> None:
        if self._is_up:  # workers that start read the newest model anyway
            self._send(signal.SIGHUP)

    def _send(self, number: signal.Signals) -> None:
        for process in [worker.process for worker in self._workers]:
            if process.pid and process.is_alive():
                os.kill(process.pid, number)


def _work(settings: Settings, sockets: list[socket.socket], outbox: connection.Connection) -> None:
    os.setpgrp()  # the terminal's Ctrl+C reaches the supervisor only, which forwards it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # leaves out one that came before
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        run(settings, sockets, on_ready=outbox.send, on_beat=partial(_beat, outbox))
    except StartError as error:
        outbox.send(error)
        sys.exit(_START_FAILED)


def _beat(outbox: connection.Connection) -> None:
    with suppress(BrokenPipeError):  # the supervisor was killed, which ends this process, too
        outbox.send(None)


def _end_with_supervisor() -> None:
    supervisor = multiprocessing.parent_process()
    if supervisor:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
