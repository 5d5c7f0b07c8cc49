"""Starts the umop command in real processes, without importing torch and mmdet for each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SERVE = """
import json, os, sys
import mmdet.utils, umop.config.load, umop.training.train
from umop.cli import main

for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(order["folder"])
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0), os.dup2(output, 1), os.dup2(output, 2)
        sys.argv = ["umop", *order["arguments"]]
        main()
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
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
    _codes: IO[str]

    def kill(self, number: signal.Signals) -> None:
        """Sends it a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def runs(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def wait(self) -> int:
        """Its exit code; negative for a signal."""
        return int(self._codes.readline())


@dataclass
class Starter:
    """Starts one command after the other."""

    process: subprocess.Popen[str]

    def start(self, folder: Path, *arguments: str) -> Started:
        output = folder / "output.txt"
        order = {"folder": str(folder), "output": str(output), "arguments": arguments}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Started(int(self.process.stdout.readline()), output, self.process.stdout)


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
        yield Starter(process)
        assert process.stdin is not None
        process.stdin.close()
