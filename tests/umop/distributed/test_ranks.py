"""Several processes train one run: they stop together, and name the one that is gone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.umop.distributed.starter import Started, Starter
from tests.umop.training.results import metrics, result
from umop.runs.folder import RunFolder
from umop.system.exit_codes import FAILURE, STOPPED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
HOST = socket.gethostname()
Ranks = Callable[..., list[Started]]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to train in, which the tests of this file share, each with runs of its own."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "runs").mkdir()
    return folder


@pytest.fixture(scope="module")
def command(configs: Path, discs: Path) -> list[str]:
    return ["train", str(configs / "pausing.py"), "--data", str(discs), "--size", "64"]


@pytest.fixture(scope="module")
def ranks(starts: Starter, workplace: Path, command: list[str]) -> Ranks:
    """Starts some ranks of several, as torchrun would."""

    def start(*arguments: str, numbers: tuple[int, ...] = (0, 1), count: int = 2) -> list[Started]:
        port = free_port()
        return [
            starts.start(
                workplace,
                *command,
                *arguments,
                environment={
                    "RANK": str(number),
                    "LOCAL_RANK": str(number),
                    "WORLD_SIZE": str(count),
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": str(port),
                },
            )
            for number in numbers
        ]

    return start


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def pause(run: RunFolder, started: list[Started], name: str = "pause") -> Path:
    """Waits until all ranks pause; they go on once the file that is returned is gone."""
    held = run.folder.parent / name
    for number, rank in enumerate(started):
        rank.wait_until((run.folder / f"paused-{number}").exists)
    return held


def codes(started: list[Started]) -> list[int]:
    return [rank.wait() for rank in started]


@pytest.fixture(scope="module")
def undisturbed(ranks: Ranks, workplace: Path) -> RunFolder:
    """A run that two processes trained to its end."""
    assert codes(ranks("--run", "undisturbed")) == [0, 0]
    return RunFolder(workplace / "runs" / "undisturbed")


@pytest.fixture(scope="module")
def kept(ranks: Ranks, workplace: Path) -> Path:
    """The folder of a run of two processes, of which the second got a signal in iteration 8."""
    (workplace / "runs" / "pause").touch()
    run = RunFolder(workplace / "runs" / "stopped")
    started = ranks("--run", "stopped")
    held = pause(run, started)
    started[1].kill(signal.SIGTERM)
    started[1].wait_until(lambda: "Stopping after this step" in started[1].printed)
    held.unlink()
    assert codes(started) == [STOPPED, STOPPED]
    saved = "Stopped after iteration 8 of 14, which is saved. Go on: umop train"
    assert saved in started[0].printed
    return Path(shutil.move(run.folder, workplace / "kept"))


@pytest.fixture
def stopped(kept: Path, workplace: Path) -> Iterator[RunFolder]:
    """That run, to go on with."""
    run = RunFolder(workplace / "runs" / "stopped")
    shutil.copytree(kept, run.folder)
    yield run
    shutil.rmtree(run.folder)


def test_a_process_that_is_killed_in_evaluation_ends_the_other(
    ranks: Ranks, workplace: Path
) -> None:
    (workplace / "runs" / "pause-evaluation").touch()
    started = ranks("--run", "killed-in-evaluation")
    run = RunFolder(workplace / "runs" / "killed-in-evaluation")
    held = pause(run, started, "pause-evaluation")
    started[1].kill(signal.SIGKILL)
    held.unlink()
    assert codes(started) == [STOPPED, -signal.SIGKILL]


def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    ranks: Ranks, undisturbed: RunFolder, stopped: RunFolder
) -> None:
    assert codes(ranks("--run", "stopped")) == [0, 0]
    assert result(undisturbed) == result(stopped)
    assert metrics(undisturbed) == metrics(stopped)


def test_a_process_that_is_killed_is_named(
    ranks: Ranks, workplace: Path, stopped: RunFolder
) -> None:
    held = workplace / "runs" / "pause"
    held.touch()
    started = ranks("--run", "stopped")
    pause(stopped, started)
    started[1].kill(signal.SIGKILL)
    held.unlink()
    assert codes(started) == [STOPPED, -signal.SIGKILL]
    lost = f"error: Training lost rank 1 on {HOST} at iteration 1"
    assert started[0].printed.count("error: ") == started[0].printed.count(lost) == 1


def test_training_goes_on_before_a_damaged_checkpoint(
    ranks: Ranks, undisturbed: RunFolder, stopped: RunFolder
) -> None:
    newest = stopped.require_checkpoint()
    newest.write_bytes(newest.read_bytes()[:-100])
    started = ranks("--run", "stopped")
    assert codes(started) == [0, 0]
    assert f"warning: runs/stopped/{newest.name} is damaged" in started[0].printed
    assert result(undisturbed) == result(stopped)
    assert metrics(undisturbed) == metrics(stopped)


def test_a_node_that_comes_back_to_a_finished_run_waits_for_no_other(
    starts: Starter, workplace: Path, command: list[str], undisturbed: RunFolder
) -> None:
    node = {"PET_NNODES": "2", "PET_NODE_RANK": "0", "PET_MASTER_ADDR": "127.0.0.1"}
    back = starts.start(workplace, *command, "--run", undisturbed.name, environment=node)
    assert back.wait() == 0, back.printed
    assert "no other node is waited for" in back.printed


def test_one_process_goes_on_where_two_stopped(
    starts: Starter, workplace: Path, command: list[str], stopped: RunFolder
) -> None:
    alone = starts.start(workplace, *command, "--run", "stopped")
    assert alone.wait() == 0, alone.printed
    assert "warning: 2 processes trained until iteration 8, and 1 process will" in alone.printed
    assert "will not be bit-identical" in alone.printed
    assert metrics(stopped)[-1]["iter"] == 14


def test_a_process_that_hangs_is_named_in_time(ranks: Ranks, workplace: Path) -> None:
    (workplace / "runs" / "pause").touch()
    started = ranks("--run", "hangs", "--timeout", "10")
    held = pause(RunFolder(workplace / "runs" / "hangs"), started)
    for rank in started:
        rank.kill(signal.SIGSTOP)
    time.sleep(11)
    for rank in started:
        rank.kill(signal.SIGCONT)
    time.sleep(2)
    assert [rank.runs() for rank in started] == [True, True], "a pause of all does not count"
    started[1].kill(signal.SIGSTOP)
    held.unlink()
    assert started[0].wait() == STOPPED
    assert f"error: Training lost rank 1 on {HOST} at iteration" in started[0].printed
    started[1].kill(signal.SIGKILL)
    assert started[1].wait() == -signal.SIGKILL


PREPARE = """
import os, sys, time
from umop.distributed.connect import connected

def compute():
    start = time.monotonic()
    while time.monotonic() - start < 10.0:
        pass

with connected(100.0) as ranks:
    ranks.watchdog.limit = 5.0
    ranks.on_first({"hangs": lambda: time.sleep(1000), "computes": compute}[sys.argv[1]])
"""


def test_a_first_process_that_hangs_before_training_is_named() -> None:
    hanging, computing = prepare("hangs"), prepare("computes")
    printed = "".join(each.communicate(timeout=200)[1] for each in hanging)
    assert [each.returncode for each in hanging] == [FAILURE, FAILURE], printed
    message = f"error: Rank 0 on {HOST}, which the others wait for, did nothing for 5 s"
    assert printed.count("error: ") == printed.count(message) == 1
    assert [each.wait(timeout=200) for each in computing] == [0, 0]


def prepare(how: str) -> list[subprocess.Popen[str]]:
    """Starts two processes, of which the first prepares training for twice as long as it may."""
    own = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, how],
            env={**os.environ, **path, **own, "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]


def test_a_signal_in_evaluation_stops_all(ranks: Ranks, workplace: Path) -> None:
    (workplace / "runs" / "pause-evaluation").touch()
    started = ranks("--run", "evaluates")
    held = pause(RunFolder(workplace / "runs" / "evaluates"), started, "pause-evaluation")
    started[1].kill(signal.SIGTERM)
    held.unlink()
    assert codes(started) == [STOPPED, STOPPED]
    assert "Stopped after iteration 5 of 14, which is saved." in started[0].printed


def test_a_signal_ends_a_process_that_waits_for_another(ranks: Ranks) -> None:
    [alone] = ranks("--run", "waits", numbers=(0,))
    alone.wait_until(lambda: listens(alone))
    alone.kill(signal.SIGTERM)
    assert alone.wait() == STOPPED
    assert "The same command goes on." in alone.printed


def listens(started: Started) -> bool:
    connections = psutil.Process(started.pid).net_connections("tcp")
    return any(each.status == psutil.CONN_LISTEN for each in connections)


def test_a_mistake_is_said_once_and_ends_all(ranks: Ranks) -> None:
    started = ranks("--run", "wrong", "--batch", "3")
    assert codes(started) == [2, 2]
    assert "error: A batch of 3 images cannot be divided" in started[0].printed
    assert "error" not in started[1].printed
