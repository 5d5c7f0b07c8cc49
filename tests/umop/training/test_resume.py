"""A run that is stopped anywhere ends as one that is not."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.umop.distributed.starter import Started, Starter
from tests.umop.training.results import metrics, result
from umop.runs.folder import RunFolder
from umop.system.exit_codes import STOPPED

KILLS = int(os.environ.get("UMOP_TEST_KILLS", "3"))
"""How often training is killed, and how often it is stopped, over both configs."""
ITERATIONS = max(14, 3 * KILLS)


def kinds(first: signal.Signals, second: signal.Signals, count: int) -> list[signal.Signals]:
    """The two signals in turn."""
    return [second if place % 2 else first for place in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "signals", "length"),
    [
        (
            "by_iteration",
            kinds(signal.SIGKILL, signal.SIGTERM, KILLS),
            [f"train_cfg.max_iters={ITERATIONS}"],
        ),
        (
            "by_epoch",
            kinds(signal.SIGTERM, signal.SIGKILL, KILLS),
            [f"train_cfg.max_epochs={ITERATIONS // 3 + 1}"],
        ),
    ],
)
def test_it_ends_the_same(
    config: str,
    signals: list[signal.Signals],
    length: list[str],
    configs: Path,
    discs: Path,
    starts: Starter,
    tmp_path: Path,
) -> None:
    command = ["train", str(configs / f"{config}.py"), "--data", str(discs), "--size", "64"]
    command += [part for each in length for part in ("--set", each)]
    seconds = stopped_and_resumed(starts, tmp_path, [*command, "--run", "stopped"], signals)
    assert starts.start(tmp_path, *command, "--run", "undisturbed").wait() == 0
    runs = [RunFolder(tmp_path / "runs" / name) for name in ("undisturbed", "stopped")]
    assert result(runs[0]) == result(runs[1])
    assert metrics(runs[0]) == metrics(runs[1])
    print(f"{config}: {', '.join(one.name for one in signals)}; seconds to exit: {seconds}")


def stopped_and_resumed(
    starts: Starter, folder: Path, command: list[str], signals: list[signal.Signals]
) -> list[float]:
    """Trains with signals at random moments; returns the seconds that SIGTERM took."""
    chance = random.Random(0)
    run = RunFolder(folder / "runs" / command[-1])
    seconds = []
    for place, number in enumerate(signals):
        started = starts.start(folder, *command)
        wait_for_lines(started, run, round((place + chance.random()) * ITERATIONS / len(signals)))
        time.sleep(chance.random() * 0.5)
        started.kill(number)
        before = time.monotonic()
        code = started.wait()
        if number == signal.SIGTERM and code != 0:
            seconds.append(round(time.monotonic() - before, 1))
            too_early = code == -signal.SIGTERM and not started.printed  # for anything to be done
            assert code == STOPPED or too_early, started.printed
    started = starts.start(folder, *command)
    assert started.wait() == 0, started.printed
    return seconds


def wait_for_lines(started: Started, run: RunFolder, count: int) -> None:
    """Waits until a run has measured so many iterations, or ends."""
    while started.runs() and len(metrics(run)) < count:
        time.sleep(0.01)
