"""Training that is killed and started elsewhere, with an empty disk, ends as one that is not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from serving.storage import Store
from tests.storage import Fault, Storage, upload
from tests.umop.distributed.starter import Started, Starter
from tests.umop.training.results import metrics, result
from umop.runs.folder import RunFolder
from umop.runs.uploads import mirrored
from umop.system.exit_codes import MISTAKE, STOPPED

KILLS = int(os.environ.get("UMOP_TEST_KILLS", "2"))
ITERATIONS = max(14, 4 * KILLS)
pytestmark = pytest.mark.slow


def arguments(configs: Path, discs: Path, place: str, run: str = "trees") -> list[str]:
    command = ["train", str(configs / "by_iteration.py"), "--data", str(discs), "--size", "64"]
    length = [f"train_cfg.max_iters={ITERATIONS}", "default_hooks.checkpoint.interval=2"]
    command += [part for each in length for part in ("--set", each)]
    return [*command, "--run", run, "--mirror", place]


def begin(starts: Starter, folder: Path, command: list[str]) -> Started:
    cache = {"UMOP_CACHE": str(folder.parent / "cache")}
    return starts.start(
        folder, *command, environment={**os.environ, **cache, "UMOP_MIRROR_LEASE": "1"}
    )


def mirrored_iteration(place: str) -> int:
    found = Store(f"{place}/trees").read("manifest.json")
    return -1 if found is None else int(found[0].partition(b'"iteration": ')[2].split(b",")[0])


def test_it_ends_the_same_however_often_the_disk_is_lost(
    storage: Storage, place: str, configs: Path, discs: Path, starts: Starter, tmp_path: Path
) -> None:
    chance = random.Random(1)
    upload(discs, f"{place}/photos")
    both = ["--data", f"{place}/photos"]
    command = [*arguments(configs, discs, place), *both]
    reached = []
    for number in range(KILLS):
        folder = tmp_path / f"node-{number}"
        folder.mkdir()
        started = begin(starts, folder, command)
        run = RunFolder(folder / "runs" / "trees")
        line = round((number + chance.random()) * ITERATIONS / KILLS)
        started.wait_until(lambda run=run, line=line: len(metrics(run)) >= line)  # type: ignore[misc]
        time.sleep(chance.random() * 0.5)
        started.kill(signal.SIGKILL)
        started.wait()
        reached.append(mirrored_iteration(place))
        shutil.rmtree(folder)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)  # killed before it fetched, too
    last = tmp_path / "last"
    last.mkdir()
    ended = begin(starts, last, command)
    assert ended.wait() == 0, ended.printed
    (tmp_path / "elsewhere").mkdir()
    unmirrored = arguments(configs, discs, place, "plain")[:-2]
    plain = begin(starts, tmp_path / "elsewhere", [*unmirrored, *both])
    assert plain.wait() == 0, plain.printed
    nodes = ((last, "trees"), (tmp_path / "elsewhere", "plain"))
    runs = [RunFolder(folder / "runs" / name) for folder, name in nodes]
    assert result(runs[0]) == result(runs[1])
    assert metrics(runs[0]) == metrics(runs[1])
    assert runs[0].report.is_file()
    assert [each for each in Store(f"{place}/trees").objects() if each.name.endswith("report.html")]
    print(f"mirrored when killed: {reached}")


def test_a_stop_waits_for_its_upload(
    storage: Storage, place: str, configs: Path, discs: Path, starts: Starter, tmp_path: Path
) -> None:
    storage.fault = lambda method, path: (
        Fault(delay=1) if method == "PUT" and path.endswith(".pth") else None
    )
    started = begin(starts, tmp_path, arguments(configs, discs, place))
    run = RunFolder(tmp_path / "runs" / "trees")
    started.wait_until(lambda: len(metrics(run)) >= 3)
    started.kill(signal.SIGTERM)
    assert started.wait() == STOPPED, started.printed
    assert run.require_checkpoint().name == f"iter_{mirrored_iteration(place)}.pth"


def test_a_second_job_is_told_who_trains_and_leaves_no_folder(
    storage: Storage,
    place: str,
    configs: Path,
    discs: Path,
    starts: Starter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UMOP_MIRROR_LEASE", "6")
    with mirrored(RunFolder(tmp_path / "trees"), place, lambda: -1):
        second = begin(starts, tmp_path, arguments(configs, discs, place))
        assert second.wait() == MISTAKE, second.printed
    assert f"is being trained by process {os.getpid()} on " in second.printed
    assert not (tmp_path / "runs" / "trees").exists()
