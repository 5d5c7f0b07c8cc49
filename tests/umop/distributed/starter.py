"""Starts the umop command in real processes, without importing torch and mmdet for each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.serving.waiting import wait_until

SERVE = """
import ctypes, json, os, socket, sys
import umop.config.load, umop.models, umop.training.train, umop.weights.pretrained
import matplotlib.figure, tests.umop.distributed.pause
from umop.cli import main

CLONE_NEWUTS = 0x04000000

def start(order):
    child = os.fork()
    if child:
        return child
    os.setsid()  # a terminal that is opened now is this process's own
    output = os.open(order["output"], os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0), os.dup2(output, 1), os.dup2(output, 2)
    if order["node"]:
        libc = ctypes.CDLL(None)
        assert libc.setns(os.open(f"/run/netns/{order['node']}", os.O_RDONLY), 0) == 0
        assert libc.unshare(CLONE_NEWUTS) == 0
        socket.sethostname(order["node"])
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = ["umop", *order["arguments"]]
    main()
    os._exit(0)

for line in sys.stdin:
    order = json.loads(line)
    if "wait" in order:
        print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
    else:
        print(start(order), flush=True)
"""


@dataclass
class Started:
    """A command that runs.

    Attributes:
        pid: Its process.
        output: What it prints.
    """

    pid: int
    output: Path
    _ask: Callable[[object], int]

    @property
    def printed(self) -> str:
        return self.output.read_text() if self.output.is_file() else ""

    def kill(self, number: signal.Signals) -> None:
        """Sends it a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def runs(self) -> bool:
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits until something comes true, or the command has ended."""
        wait_until(lambda: condition() or not self.runs(), seconds=200)
        assert condition(), self.printed

    def wait(self, seconds: float = 200) -> int:
        """Its exit code; negative for a signal."""
        wait_until(lambda: not self.runs(), seconds)
        return self._ask({"wait": self.pid})


class Starter:
    """Starts commands: one after the other, or beside each other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.count = 0

    def start(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        node: str = "",
        output: Path | None = None,
    ) -> Started:
        """Starts ``umop`` with arguments.

        Args:
            folder: Where.
            arguments: Of the command.
            environment: Variables that it gets beside those of this process.
            node: A network namespace to start it in, which becomes its host's name too.
            output: A file or terminal to print to, in place of a new file in the folder.
        """
        self.count += 1
        output = output or folder / f"output-{self.count}.txt"
        order = {
            "folder": str(folder),
            "output": str(output),
            "arguments": arguments,
            "environment": dict(environment or {}),
            "node": node,
        }
        return Started(self.ask(order), output, self.ask)

    def ask(self, order: object) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def starter() -> Iterator[Starter]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield Starter(process)
        finally:
            process.kill()
