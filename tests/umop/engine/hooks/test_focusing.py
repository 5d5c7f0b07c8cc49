"""What the loss measures on each level becomes scalars of the run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.umop.conftest import Umop
from umop.engine.hooks.focusing import scalars
from umop.losses import ProgressiveFocalLoss


def measured(positives: int, anchors: int) -> dict[str, float]:
    """The scalars of two levels: one with so many positives of probability 0.2, one with none."""
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    loss.trace = []
    logits = torch.full((anchors, 1), math.log(0.25))
    labels = torch.ones(anchors, dtype=torch.int64)
    labels[:positives] = 0
    loss(logits, labels, avg_factor=1.0)
    loss(logits, torch.ones_like(labels), avg_factor=1.0)
    return scalars(loss.trace)


def test_every_level_is_reported() -> None:
    assert measured(positives=3, anchors=60) == {
        "train/condition_0": pytest.approx(-math.log(0.2)),
        "train/gamma_0": pytest.approx(-math.log(0.2)),
        "train/alpha_0": pytest.approx(-0.5 / math.log(0.2)),
        "train/positives_0": 3,
        "train/share_0": pytest.approx(0.05),
        "train/condition_1": 2.0,
        "train/gamma_1": 2.0,
        "train/alpha_1": 0.25,
        "train/positives_1": 0,
        "train/share_1": 0,
    }


def measure(rank: int, ranks: int, folder: str) -> None:
    """One process of a distributed run, with more positives than the other."""
    torch.set_num_threads(1)  # OpenMP's others are not in a process that was forked
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=ranks,
        timeout=timedelta(seconds=60),
    )
    torch.save(measured(positives=(3, 7)[rank], anchors=(60, 40)[rank]), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_counts_are_those_of_all_ranks(tmp_path: Path) -> None:
    mp.start_processes(measure, (2, str(tmp_path)), nprocs=2, start_method="fork")
    for rank in range(2):
        values = torch.load(tmp_path / f"{rank}.pt")
        assert values["train/positives_0"] == 10
        assert values["train/share_0"] == pytest.approx(0.1)
        assert values["train/share_1"] == 0


@pytest.fixture
def untrained_levels(
    discs: Path, tmp_path: Path, umop: Umop, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], list[str]]:
    """What a training of 10 steps says of levels without an object, by how often it looks."""

    def lines(interval: int) -> list[str]:
        monkeypatch.chdir(tmp_path)
        steps = ["--set", "train_cfg.max_iters=10", "--set", "model.backbone.pretrained=False"]
        looks = ["--set", f"custom_hooks.0.interval={interval}"]
        code, _, err = umop("train", "small", "--data", str(discs), "--size", "128", *steps, *looks)
        assert code == 0, err
        return [line for line in err.splitlines() if "learned no object" in line]

    return lines


def test_levels_without_an_object_are_named(untrained_levels: Callable[[int], list[str]]) -> None:
    [named] = untrained_levels(1)
    assert "in any of the 10 steps sampled" in named
    assert re.findall(r"(\d) \(stride (\d+), for boxes of about \d+ to \d+ pixels\)", named) == [
        ("1", "16"),
        ("2", "32"),
        ("3", "64"),
    ]


def test_a_few_steps_say_nothing_of_a_level(untrained_levels: Callable[[int], list[str]]) -> None:
    assert untrained_levels(10) == []
