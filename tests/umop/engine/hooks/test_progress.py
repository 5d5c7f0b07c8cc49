"""What training shows while it runs."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.umop.cli.small import SMALL
from umop.engine.hooks import pace

SHOWS_THE_CURSOR, HIDES_THE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def test_one_slow_minute_does_not_swing_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(pace, "monotonic", lambda: now)
    measured = pace.Pace()
    for seconds in (9.0, 1.0, 1.1, 60.0, 1.0):
        assert (measured.seconds is None) == (len(measured.durations) < 3)
        now += seconds
        measured.advance()
    assert measured.seconds == pytest.approx(1.1)
    now += 300  # an evaluation
    measured.restart()
    now += 1.0
    measured.advance()
    assert max(measured.durations) == pytest.approx(60.0)


def train_on_a_terminal(data: Path, folder: Path) -> str:
    """Runs ``umop train`` on a pseudo-terminal; returns all that it wrote there."""
    command = [sys.executable, "-m", "umop.cli", "train", "demo", "--data", str(data), *SMALL]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = bytearray()
        while block := read(ours):
            written += block
    os.close(ours)
    assert process.returncode == 0, written.decode()
    return written.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.slow
def test_a_terminal_gets_a_bar(discs: Path, tmp_path: Path) -> None:
    written = train_on_a_terminal(discs, tmp_path)
    assert "nan" not in written
    assert re.search(r"training .*4/4.* about 0 s left", written)
    assert re.search(r"loss \d\.\d{3} \(cls .*\), \d+\.\d images/s", written)
    assert written.count(HIDES_THE_CURSOR) <= written.count(SHOWS_THE_CURSOR)
