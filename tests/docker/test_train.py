"""Training in its container, stopped and taken up again."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.docker.containers import HARDENED, Container, docker, image, running
from tests.docker.squares import ITERATIONS, iterations, write_data
from tests.serving.waiting import wait_until
from umop.system.exit_codes import STOPPED

USER = os.getuid() or 10001
CALLER = f"--user={USER}:{USER}"
COMMAND = ("train", "data/squares.py", "--run", "squares", "--data", "data", "--device", "cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Data that every user may read, and a folder for runs that every user may write."""
    folder = tmp_path_factory.mktemp("training")
    folder.chmod(0o755)
    data, runs = folder / "data", folder / "runs"
    write_data(data)
    runs.mkdir()
    runs.chmod(0o777)
    return data, runs


def test_the_doctor_finds_nothing_wrong() -> None:
    assert "mmcv" in docker("run", "--rm", "--network=none", image("train"), "doctor")


def test_a_stop_ends_what_has_nothing_to_save() -> None:
    """The kernel sends the first process of a container only the signals that it handles."""
    with running("train", command=("doctor",)) as container:
        wait_until(lambda: handles_sigterm(container), seconds=60)
        assert container.stop() == 128 + signal.SIGTERM


def handles_sigterm(container: Container) -> bool:
    status = docker("exec", container.id, "cat", "/proc/1/status")
    [caught] = re.findall(r"^SigCgt:\s*([0-9a-f]+)$", status, re.M)
    return bool(int(caught, 16) & 1 << signal.SIGTERM - 1)


def test_weights_are_fetched_by_any_user(tmp_path: Path) -> None:
    """By the base Python's pip, because the environment has none, onto a read-only root."""
    tmp_path.chmod(0o777)
    options = [*HARDENED, CALLER, f"--volume={tmp_path}:/workspace/cache"]
    docker("run", "--rm", *options, image("train"), "data", "weights", "demo")
    weights = tmp_path / "weights" / "tf_efficientnet_lite0.pth"
    assert weights.stat().st_uid == USER


def test_a_stopped_training_goes_on(folders: tuple[Path, Path]) -> None:
    data, runs = folders
    mounts = (f"--volume={data}:/workspace/data:ro", f"--volume={runs}:/workspace/runs")
    options = (*mounts, CALLER, "--env=OMP_NUM_THREADS=1")
    with running("train", *options, command=COMMAND) as container:
        wait_until(lambda: is_at(container, runs, 2), seconds=240)
        assert container.stop() == STOPPED, container.log()
        assert iterations(runs / "squares") < ITERATIONS
        docker("start", container.id)
        assert container.wait() == 0, container.log()
    assert iterations(runs / "squares") == ITERATIONS
    assert {path.stat().st_uid for path in runs.rglob("*")} == {USER}


def is_at(container: Container, runs: Path, iteration: int) -> bool:
    """Whether training is so far; fails where it has ended."""
    assert container.state()["Running"], container.log()
    return iterations(runs / "squares") >= iteration
