"""The loops evaluate when it is due, and once."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from torch import distributed

from tests.umop.engine.toy import ToyModel, toy
from umop.engine.runner import Runner


def evaluations(runner: Runner) -> int:
    [metric] = runner.val_evaluator.metrics
    return int(metric.evaluations)


@pytest.mark.parametrize(
    ("loop", "expected"), [("epochs", 2), ("iterations", 3)], ids=["epochs", "iterations"]
)
def test_the_end_is_evaluated_beside_what_is_due(loop: str, expected: int, tmp_path: Path) -> None:
    runner = toy(tmp_path, loop)
    runner.train()
    assert evaluations(runner) == expected


@pytest.mark.parametrize("loop", ["epochs", "iterations"])
def test_what_was_evaluated_before_the_checkpoint_is_not_again(loop: str, tmp_path: Path) -> None:
    toy(tmp_path, loop).train()
    again = toy(tmp_path, loop)
    again.train()
    assert evaluations(again) == 0


def test_a_checkpoint_is_written_before_an_evaluation(tmp_path: Path) -> None:
    """What an evaluation takes is not lost with the steps before it."""
    runner = toy(tmp_path, "iterations")
    runner.checkpoints.interval = 100
    saved: list[int] = []
    runner.val_loop.run = lambda: saved.append(  # type: ignore[union-attr]
        runner.checkpoints.saved_iteration
    )
    runner.train()
    assert saved == [3, 6, 8]


@MODELS.register_module()
class DriftingModel(ToyModel):
    """Has a buffer that training makes another in each rank."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("drift", torch.zeros(1))

    def forward(self, *batch: Any, mode: str = "tensor") -> Any:
        if mode == "loss":
            self.drift += 1 + get_rank()
        return super().forward(*batch, mode=mode)


class Drifts(Hook):
    """Holds the buffer of an evaluation to the first rank's."""

    def before_val_iter(self, runner: Runner, *_: object, **__: object) -> None:
        seen = [torch.zeros(1), torch.zeros(1)]
        distributed.all_gather(seen, runner.model.drift)
        assert seen[0] == seen[1] > 0


def evaluate_as_rank(rank: int, folder: Path) -> None:
    """Trains as one of two ranks, with averaged weights."""
    meeting = f"file://{folder / 'meeting'}"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    average = {"type": "EMAHook", "momentum": 0.1, "update_buffers": True}
    runner = toy(folder / str(rank), model={"type": "DriftingModel"}, custom_hooks=[average])
    runner.register_hook(Drifts(), priority="LOWEST")
    runner.train()
    assert runner.message_hub.runtime_info["evaluated"] == runner.iter
    distributed.destroy_process_group()


def test_averaged_buffers_are_evaluated_as_the_first_rank_saves_them(tmp_path: Path) -> None:
    context = get_context("spawn")
    ranks = [
        context.Process(target=evaluate_as_rank, args=(rank, tmp_path), daemon=True)
        for rank in range(2)
    ]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(timeout=300)
    assert [rank.exitcode for rank in ranks] == [0, 0]
