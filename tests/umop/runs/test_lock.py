"""One process at a time trains in a run's folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from umop.runs.folder import RunFolder
from umop.runs.lock import _BOOT, locked
from umop.system.errors import Stopped, UserError

HOLD = """
import sys, time
from pathlib import Path
from umop.runs import lock
from umop.runs.folder import RunFolder
from umop.runs.lock import locked
lock._BOOT = Path(sys.argv[2])
with locked(RunFolder(Path(sys.argv[1]))):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def held(boot: Path) -> Iterator[subprocess.Popen[str]]:
    """Has another process train runs/trees.

    Args:
        boot: Tells its machine from others.
    """
    command = [sys.executable, "-c", HOLD, "runs/trees", str(boot)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    with held(_BOOT) as process:
        yield process


@pytest.fixture
def far_holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """One on another machine of the same host name, as pods of a Job have it."""
    boot = tmp_path / "boot_id"
    boot.write_text("another\n")
    with held(boot) as process:
        yield process


def test_a_second_start_says_who_trains(umop: Umop, holder: subprocess.Popen[str]) -> None:
    code, _, err = umop("train", "demo", "--run", "trees")
    assert code == 2
    assert re.search(
        rf"runs/trees is being trained by process {holder.pid} on \S+ since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Wait for it",
        err,
    )
    assert Path("runs/trees").is_dir(), "it is the other's"


def test_what_a_lost_machine_has_locked_is_waited_for(
    far_holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def lose(line: str) -> None:
        said.append(line)
        far_holder.kill()

    monkeypatch.setattr("umop.runs.lock.note", lose)
    with locked(RunFolder.to_train("trees")):
        pass
    assert re.search(rf"runs/trees/\.lock is of process {far_holder.pid} on \S+ since", said[0])


def test_a_machine_that_is_not_lost_keeps_its_run(
    far_holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umop.runs.lock._SECONDS_FOR_A_LOST_MACHINE", 0.1)
    refused = pytest.raises(UserError, match=r"is lost, delete runs/trees/\.lock\.")
    with refused, locked(RunFolder.to_train("trees")):
        pass


def test_a_killed_process_holds_no_run(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(RunFolder.to_train("trees")):
        pass


@pytest.mark.parametrize("error", [UserError("no data"), Stopped()])
def test_a_refused_or_stopped_start_removes_the_folder_it_made(error: BaseException) -> None:
    run = RunFolder.to_train("trees")
    with pytest.raises(type(error)), locked(run):
        raise error
    assert not run.folder.exists()


def test_a_stopped_start_keeps_what_it_has_written() -> None:
    run = RunFolder.to_train("trees")
    with pytest.raises(Stopped), locked(run):
        stop_behind(run.mlflow_id)
    assert run.mlflow_id.is_file()


@pytest.mark.parametrize("trained", ["metrics.jsonl", "last_checkpoint"])
def test_what_was_trained_stays(trained: str) -> None:
    run = RunFolder.to_train("trees")
    with pytest.raises(UserError, match="unreadable"), locked(run):
        train_until_unreadable(run.folder / trained)
    assert (run.folder / trained).is_file()


def stop_behind(written: Path) -> None:
    written.write_text("1")
    raise Stopped


def train_until_unreadable(written: Path) -> None:
    written.write_text("x")
    raise UserError("unreadable image")


def test_a_folder_that_was_there_stays() -> None:
    run = RunFolder.to_train("trees")
    run.folder.mkdir(parents=True)
    (run.folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="no data"), locked(run):
        raise UserError("no data")
    assert (run.folder / "notes.txt").is_file()


@pytest.mark.parametrize("make", ["file", "link to nowhere"])
def test_what_is_no_folder_is_refused(make: str) -> None:
    run = RunFolder.to_train("trees")
    run.folder.parent.mkdir()
    if make == "file":
        run.folder.write_text("")
    else:
        run.folder.symlink_to("nowhere")
    with pytest.raises(UserError, match="runs/trees cannot be written"), locked(run):
        pass
