"""Running the service in several processes that share its ports."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from serving.observability import logs, metrics
from serving.server.process import StartError, address, run
from serving.settings import Settings

log = logging.getLogger(__name__)
_START_FAILED = 2


class Supervisor:
    """Starts the workers, replaces those that die, and hands on its signals.

    Args:
        settings: How many workers there are, and what they do.
        sockets: Bound sockets that all workers listen on, the public one first.
    """

    def __init__(self, settings: Settings, sockets: list[socket.socket]) -> None:
        self._settings = settings
        self._sockets = sockets
        self._spawn = multiprocessing.get_context("spawn")
        self._news, self._tell = self._spawn.Pipe(duplex=False)
        self._workers: list[SpawnProcess] = []
        self._stopping = False
        self._started = 0

    def run(self) -> None:
        """Serves until SIGINT or SIGTERM.

        Raises:
            StartError: A worker could not start; it said why.
        """
        logs.configure(self._settings)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        with tempfile.TemporaryDirectory(prefix="umop-metrics-") as folder:
            os.environ[metrics.SHARED_FOLDER] = folder
            self._workers = [self._start() for _ in range(self._settings.workers)]
            self._watch()

    def _start(self) -> SpawnProcess:
        arguments = (self._settings, self._sockets, self._tell)
        worker = self._spawn.Process(target=_work, args=arguments, name="umop-serve worker")
        worker.start()
        return worker

    def _watch(self) -> None:
        while self._workers:
            ends = [worker.sentinel for worker in self._workers]
            if self._news in connection.wait([*ends, self._news]):
                self._hear(self._news.recv())
            for worker in [each for each in self._workers if each.exitcode is not None]:
                self._workers.remove(worker)
                self._replace(worker)

    def _hear(self, news: str | StartError) -> None:
        if isinstance(news, StartError):
            self._stop(signal.SIGTERM)
            for worker in self._workers:
                worker.join()
            raise news
        self._started += 1
        if self._started == self._settings.workers:
            print(f"serving {news} on {address(self._sockets[0])}", flush=True)

    def _replace(self, worker: SpawnProcess) -> None:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # its gauges count no more
        if self._stopping or worker.exitcode == _START_FAILED:
            return
        log.error("worker %s ended with %s; starting another", worker.pid, worker.exitcode)
        self._workers.append(self._start())

    def _stop(self, number: int, frame: FrameType | None = None) -> None:
        self._stopping = True
        self._send(signal.Signals(number))

    def _reload(self, number: int, frame: FrameType | None) -> None:
        self._send(signal.SIGHUP)

    def _send(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid and worker.is_alive():
                os.kill(worker.pid, number)


def _work(settings: Settings, sockets: list[socket.socket], tell: connection.Connection) -> None:
    os.setpgrp()  # the terminal's Ctrl+C reaches the supervisor only, which hands it on
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        run(settings, sockets, on_ready=tell.send)
    except StartError as error:
        tell.send(error)
        sys.exit(_START_FAILED)


def _end_with_supervisor() -> None:
    supervisor = multiprocessing.parent_process()
    if supervisor:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
