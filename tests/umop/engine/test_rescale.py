"""A run goes on with another number of processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from umop.engine.loop import EpochLoop
from umop.engine.rescale import Shares, rescale


def resumed(ranks: int, batches: int, epoch: int, iteration: int) -> Any:
    """What is asked of a runner of so many processes, whose learning rate follows the batch."""
    loop = EpochLoop.__new__(EpochLoop)
    loop._iter = iteration
    scheduler = SimpleNamespace(param_name="lr", base_values=[0.1], _last_value=[0.05])
    groups = [{"lr": 0.05, "initial_lr": 0.1}]
    return SimpleNamespace(
        world_size=ranks,
        train_dataloader=range(batches),
        train_loop=loop,
        epoch=epoch,
        iter=iteration,
        auto_scale_lr={"enable": True},
        optim_wrapper=SimpleNamespace(param_groups=groups),
        param_schedulers=[scheduler],
    )


def test_the_same_number_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    runner = resumed(ranks=2, batches=5, epoch=3, iteration=17)
    rescale(runner, Shares(ranks=2, batches=5))
    assert runner.train_loop._iter == 17
    assert runner.optim_wrapper.param_groups == [{"lr": 0.05, "initial_lr": 0.1}]
    assert capsys.readouterr().err == ""


def test_half_the_processes_make_twice_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    runner = resumed(ranks=1, batches=10, epoch=3, iteration=17)
    rescale(runner, Shares(ranks=2, batches=5))
    assert runner.train_loop._iter == 3 * 10 + 4, "two of five batches were done"
    [group], [scheduler] = runner.optim_wrapper.param_groups, runner.param_schedulers
    assert (group["lr"], group["initial_lr"]) == (0.025, 0.05)
    assert (scheduler.base_values, scheduler._last_value) == ([0.05], [0.025])
    said = capsys.readouterr()
    assert "2 processes trained until iteration 17, and 1 process will" in said.err + said.out


def test_a_learning_rate_that_does_not_follow_the_batch_stays() -> None:
    runner = resumed(ranks=4, batches=3, epoch=0, iteration=0)
    runner.auto_scale_lr = None
    rescale(runner, Shares(ranks=2, batches=5))
    assert runner.optim_wrapper.param_groups == [{"lr": 0.05, "initial_lr": 0.1}]
