"""A run that is stopped anywhere ends as one that is not."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.umop.training.starter import Started, Starter, starter
from umop.exit_codes import STOPPED
from umop.run import Run

BY_ITERATION = """
_base_ = "demo"

model = dict(backbone=dict(pretrained=False), neck=dict(out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32, stacked_convs=1))
train_dataloader = dict(batch_size=2, num_workers=2)
train_cfg = dict(max_iters=14, val_interval=5)
default_hooks = dict(
    checkpoint=dict(interval=4),
    stopping=dict(type="EarlyStoppingHook", monitor="AP", rule="greater", patience=100),
)
custom_hooks = [
    dict(type="FocusingHook", interval=1),
    dict(type="MetricsHook", interval=1),
    dict(type="ProgressHook"),
    dict(type="EMAHook", momentum=0.1),
]
"""
BY_EPOCH = """
_base_ = "./by_iteration.py"

train_dataloader = dict(
    sampler=dict(_delete_=True, type="DefaultSampler", shuffle=True),
    batch_sampler=dict(type="AspectRatioBatchSampler"),
)
train_cfg = dict(_delete_=True, type="EpochBasedTrainLoop", max_epochs=5, val_interval=2)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=5),
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=5, milestones=[2, 4]),
]
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
"""
TIMES = {"time", "data_time", "memory", "eta"}
"""What no two runs have in common."""


@pytest.fixture(scope="module")
def starts() -> Iterator[Starter]:
    with starter() as started:
        yield started


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configs")
    (folder / "by_iteration.py").write_text(BY_ITERATION)
    (folder / "by_epoch.py").write_text(BY_EPOCH)
    return folder


@pytest.mark.parametrize(
    ("config", "signals"),
    [
        ("by_iteration", [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL]),
        ("by_epoch", [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM]),
    ],
)
def test_it_ends_the_same(
    config: str,
    signals: list[signal.Signals],
    configs: Path,
    discs: Path,
    starts: Starter,
    tmp_path: Path,
) -> None:
    command = ["train", str(configs / f"{config}.py"), "--data", str(discs)]
    stopped_and_resumed(starts, tmp_path, [*command, "--run", "stopped"], signals, seed=0)
    assert starts.start(tmp_path, *command, "--run", "undisturbed").wait() == 0
    runs = [Run(tmp_path / "runs" / name) for name in ("undisturbed", "stopped")]
    assert result(runs[0]) == result(runs[1])
    assert metrics(runs[0]) == metrics(runs[1])


def stopped_and_resumed(
    starts: Starter, folder: Path, command: list[str], signals: list[signal.Signals], seed: int
) -> list[float]:
    """Trains with signals at random moments; returns the seconds that SIGTERM took."""
    chance = random.Random(seed)
    run = Run(folder / "runs" / command[-1])
    seconds = []
    for place, number in enumerate(signals):
        started = starts.start(folder, *command)
        wait_for_lines(started, run, round((place + chance.random()) * 14 / len(signals)))
        time.sleep(chance.random() * 0.5)
        started.kill(number)
        before = time.monotonic()
        code = started.wait()
        if number == signal.SIGTERM and code != 0:
            seconds.append(time.monotonic() - before)
            assert code == STOPPED, started.output.read_text()
    started = starts.start(folder, *command)
    assert started.wait() == 0, started.output.read_text()
    return seconds


def wait_for_lines(started: Started, run: Run, count: int) -> None:
    """Waits until a run has measured so many iterations, or ends."""
    while started.runs() and len(metrics(run)) < count:
        time.sleep(0.01)


def metrics(run: Run) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``, without what depends on the time."""
    if not run.metrics.is_file():
        return []
    lines = [json.loads(line) for line in run.metrics.read_text().split("\n")[:-1]]
    return [{key: line[key] for key in line if key not in TIMES} for line in lines]


def result(run: Run) -> dict[str, str]:
    """The digest of each tensor in a run's last checkpoint, and its numbers."""
    checkpoint = torch.load(run.require_checkpoint(), weights_only=False)
    state = {name: checkpoint[name] for name in ("state_dict", "ema_state_dict", "optimizer")}
    state["schedulers"] = checkpoint["param_schedulers"]
    state["training"] = {**checkpoint["training"], "metrics_bytes": None}
    info = checkpoint["message_hub"]["runtime_info"]
    state["best"] = (info["best_score"], info["evaluated"])
    return dict(leaves(state))


def leaves(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, torch.Tensor):
        yield prefix, hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, f"{prefix}.{key}")
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from leaves(child, f"{prefix}.{index}")
    else:
        yield prefix, repr(value)
