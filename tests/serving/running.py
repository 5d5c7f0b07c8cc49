"""Real servers in processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

COMMAND = [sys.executable, "-c", "from serving.cli import main; main()"]


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

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(*arguments: str) -> Iterator[RunningServer]:
    """Runs `umop-serve` on a free port; stops it with SIGTERM and checks that it obeys."""
    with TemporaryFile() as log:
        command = [*COMMAND, "--port", "0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
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
