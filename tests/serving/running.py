"""Real servers in processes of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
import psutil

from tests.serving.command import COMMAND


@dataclass
class RunningServer:
    """A server that has said it is ready.

    Attributes:
        url: Its address.
        process: Its process.
    """

    url: str
    process: subprocess.Popen[str]
    _log: IO[bytes]
    _is_told_to_stop: bool = False

    def stop(self) -> None:
        """Tells it to stop, once."""
        if self.process.poll() is None and not self._is_told_to_stop:
            self._is_told_to_stop = True
            self.process.send_signal(signal.SIGTERM)

    def log(self) -> str:
        """What it has written to standard error."""
        self._log.seek(0)
        return self._log.read().decode()

    def detect(self, image: bytes, **request: Any) -> httpx.Response:
        """Posts an image to ``/detect``."""
        return httpx.post(f"{self.url}/detect", content=image, timeout=30, **request)

    def metrics(self) -> dict[str, float]:
        """Its figures, by name and labels."""
        lines = httpx.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def memory(self) -> int:
        """Resident bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def peak_memory(self) -> int:
        """The most resident bytes that it has held (proc(5): VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[RunningServer]:
    """Runs ``umop-serve`` on a free port; stops it with SIGTERM and checks that it obeys."""
    environment = {**os.environ, **variables}
    with TemporaryFile() as log:
        command = [*COMMAND, "--port", "0", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
        assert process.stdout
        line = process.stdout.readline()
        match = re.fullmatch(r"serving \S+ on (http://\S+)\n", line)
        server = RunningServer(match[1] if match else "", process, log)
        assert match, f"it did not start: {line}{server.log()}"
        try:
            yield server
        finally:
            server.stop()
            code = process.wait(20)
        assert code == 0, server.log()


@contextmanager
def asked(server: RunningServer, image: bytes) -> Iterator[list[int]]:
    """Has two callers send an image again and again; the list gets the status of each answer."""
    answers: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            answers.append(server.detect(image).status_code)

    callers = [threading.Thread(target=ask) for _ in range(2)]
    for each in callers:
        each.start()
    try:
        yield answers
    finally:
        ended.set()
        for each in callers:
            each.join()


def free_ports(count: int) -> list[int]:
    """Ports with a free one after each."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            first = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = int(first.getsockname()[1])
            try:
                held.enter_context(socket.create_server(("127.0.0.1", port + 1)))
            except (OSError, OverflowError):
                continue
            found.append(port)
    return found


def children(server: RunningServer) -> list[int]:
    """Process ids of a server's workers."""
    return worker_ids(server.process.pid)


def worker_ids(supervisor: int) -> list[int]:
    """Process ids of the workers that a process has started."""
    found = []
    for each in psutil.Process(supervisor).children():
        with suppress(psutil.Error):  # it ended meanwhile
            if "--multiprocessing-fork" in each.cmdline():
                found.append(each.pid)
    return found
