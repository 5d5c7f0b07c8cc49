"""One process at a time trains in a run's folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from umop.runs.folder import RunFolder
from umop.runs.lock import locked
from umop.system.errors import Stopped, UserError

HOLD = """
import sys, time
from pathlib import Path
from umop.runs.folder import RunFolder
from umop.runs.lock import locked
with locked(RunFolder(Path(sys.argv[1]))):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that trains runs/trees."""
    command = [sys.executable, "-c", HOLD, "runs/trees"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_second_start_says_who_trains(umop: Umop, holder: subprocess.Popen[str]) -> None:
    code, _, err = umop("train", "demo", "--run", "trees")
    assert code == 2
    assert re.search(
        rf"runs/trees is being trained by process {holder.pid} on \S+ since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Wait for it",
        err,
    )
    assert Path("runs/trees").is_dir(), "it is the other's"


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
