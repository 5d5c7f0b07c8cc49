"""What a signal does to ``umop train``, its data loader's processes and its terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.umop.distributed.starter import Started, Starter
from umop.distributed.signals import SECONDS_OF_ONE, StopSignals
from umop.system.errors import Stopped
from umop.system.exit_codes import STOPPED

pytestmark = pytest.mark.slow
SHOWS_THE_CURSOR, HIDES_THE_CURSOR = b"\x1b[?25h", b"\x1b[?25l"


@pytest.fixture
def command(configs: Path, discs: Path) -> list[str]:
    return [
        "train",
        str(configs / "pausing.py"),
        "--data",
        str(discs),
        "--size",
        "64",
        "--run",
        "x",
    ]


def paused(started: Started, workplace: Path) -> Path:
    """Waits until training pauses; it goes on once the file that is returned is gone."""
    started.wait_until((workplace / "runs" / "x" / "paused-0").exists)
    return workplace / "runs" / "pause"


def test_the_first_stops_after_the_step_and_the_second_at_once(
    starts: Starter, workplace: Path, command: list[str]
) -> None:
    (workplace / "runs" / "pause").touch()
    started = starts.start(workplace, *command)
    held = paused(started, workplace)
    loaders = started.children()
    assert len(loaders) == 2
    started.kill(signal.SIGTERM)
    started.wait_until(lambda: "A second signal ends at once" in started.printed)
    started.kill(signal.SIGTERM)  # the same one, forwarded
    time.sleep(SECONDS_OF_ONE + 0.1)
    assert started.runs()
    started.kill(signal.SIGTERM)
    assert started.wait() == 128 + signal.SIGTERM
    assert held.exists(), "the step was not finished"
    assert psutil.wait_procs(loaders, timeout=60)[1] == []


def test_a_stop_leaves_no_process_and_a_terminal_with_a_cursor(
    starts: Starter, workplace: Path, command: list[str]
) -> None:
    (workplace / "runs" / "pause").touch()
    ours, theirs = pty.openpty()
    started = starts.start(workplace, *command, output=Path(os.ttyname(theirs)))
    held = paused(started, workplace)
    loaders = started.children()
    os.write(ours, b"\x03")  # Ctrl-C: a signal to all processes of the terminal
    written = read_until(ours, b"Stopping after this step")
    held.unlink()
    written += read_until(ours, b"Go on: umop train")
    assert started.wait() == STOPPED, written
    assert psutil.wait_procs(loaders, timeout=60)[1] == []
    assert written.count(HIDES_THE_CURSOR) >= 1
    assert written.rindex(SHOWS_THE_CURSOR) > written.rindex(HIDES_THE_CURSOR)
    os.close(ours)
    os.close(theirs)


def read_until(terminal: int, text: bytes) -> bytes:
    """What a terminal shows until a text comes."""
    shown = b""
    while text not in shown:
        assert select.select([terminal], [], [], 100)[0], shown
        shown += os.read(terminal, 4096)
    return shown


def test_a_checkpoint_comes_after_some_minutes(
    starts: Starter, workplace: Path, command: list[str]
) -> None:
    (workplace / "runs" / "pause").touch()
    seldom = ["--set", "default_hooks.checkpoint.interval=100"]
    started = starts.start(
        workplace, *command, *seldom, "--set", "default_hooks.checkpoint.minutes=1e-6"
    )
    paused(started, workplace)
    names = {path.name for path in (workplace / "runs" / "x").glob("*.pth")}
    assert {"iter_5.pth", "iter_6.pth"} <= names
    started.kill(signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL


def test_what_has_to_be_whole_is_finished_first() -> None:
    stop, done = StopSignals(), []

    def write() -> None:
        with stop.later():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("whole")

    with stop.handled(), pytest.raises(Stopped):
        write()
    assert done == ["whole"]
