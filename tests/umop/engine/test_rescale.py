"""A run goes on with another number of processes."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS

from umop.engine.loop import EpochLoop
from umop.engine.rescale import Shares, rescale


def resumed(ranks: int, batches: int, epoch: int, iteration: int) -> Any:
    """What is asked of a runner of so many processes, whose learning rate follows the batch."""
    loop = EpochLoop.__new__(EpochLoop)
    loop._iter = iteration
    scheduler = SimpleNamespace(param_name="lr", base_values=[0.1], _last_value=[0.05])
    groups = [{"lr": 0.05, "initial_lr": 0.1}]
    infos: dict[str, Any] = {}
    return SimpleNamespace(
        world_size=ranks,
        train_dataloader=range(batches),
        train_loop=loop,
        cfg={"param_scheduler": [{}]},
        message_hub=SimpleNamespace(runtime_info=infos, update_info=infos.__setitem__),
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


EPOCHS = 30
COSINE = {"type": "CosineAnnealingLR", "eta_min_ratio": 0.05, "begin": 15, "end": EPOCHS}
DROPS = {"type": "MultiStepLR", "milestones": [18, 24]}
RISE = {"type": "LinearLR", "start_factor": 0.1}


def scheduled(section: dict[str, Any], ranks: int) -> Any:
    """A runner whose epoch has 40 batches, divided over so many processes."""
    runner = resumed(ranks, 40 // ranks, epoch=0, iteration=0)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    runner.optim_wrapper = OptimWrapper(optimizer)
    runner.train_loop._max_epochs = EPOCHS
    section = {**section, "by_epoch": True, "convert_to_iter_based": True}
    runner.cfg = {"param_scheduler": [section]}
    parts = {"optimizer": runner.optim_wrapper, "epoch_length": 40 // ranks}
    runner.param_schedulers = [
        PARAM_SCHEDULERS.build({"end": EPOCHS, **section}, default_args=parts)
    ]
    return runner


def rates(runner: Any, iterations: int) -> list[float]:
    """The learning rate at the end of each epoch to come, of so many iterations."""
    [scheduler], [group] = runner.param_schedulers, runner.optim_wrapper.param_groups
    ends: list[float] = []
    while runner.train_loop._iter < iterations:
        scheduler.step()
        runner.train_loop._iter += 1
        if runner.train_loop._iter % len(runner.train_dataloader) == 0:
            ends.append(group["lr"])
    return ends


def resume(runner: Any, stopped: Any) -> None:
    """Brings what a checkpoint of another runner has into one, as mmengine does."""
    runner.train_loop._iter = runner.iter = stopped.train_loop._iter
    runner.optim_wrapper.load_state_dict(stopped.optim_wrapper.state_dict())
    [scheduler], [saved] = runner.param_schedulers, stopped.param_schedulers
    scheduler.load_state_dict(saved.state_dict())
    rescale(runner, Shares(stopped.world_size, len(stopped.train_dataloader)))


@pytest.mark.parametrize("section", [COSINE, DROPS, RISE], ids=["cosine", "drops", "rise"])
@pytest.mark.parametrize("ranks", [2, 8])
@pytest.mark.parametrize("epoch", [7.0, 14.9, 15.0, 17.9, 20.5, 29.9])
def test_the_schedule_of_a_resumed_run_is_that_of_an_uninterrupted_one(
    section: dict[str, Any], ranks: int, epoch: float
) -> None:
    stopped, runner = scheduled(section, 4), scheduled(section, ranks)
    rates(stopped, round(epoch * 10))
    resume(runner, stopped)
    length = 40 // ranks
    assert runner.train_loop._iter == math.floor(epoch * 10) * length // 10
    expected = rates(scheduled(section, ranks), EPOCHS * length)[math.floor(epoch) :]
    ratio = ranks / 4
    after = rates(runner, EPOCHS * length)
    assert after == pytest.approx([ratio * one for one in expected], rel=0.1, abs=0.002 * ratio)
    assert after[-1] == pytest.approx(ratio * expected[-1], rel=0.1)


@pytest.mark.parametrize(("evaluated", "expected"), [(20, 40), (0, 0)])
def test_what_was_evaluated_is_not_again_and_all_else_is(evaluated: int, expected: int) -> None:
    runner = resumed(ranks=1, batches=10, epoch=4, iteration=20)
    runner.message_hub.update_info("evaluated", evaluated)
    rescale(runner, Shares(ranks=2, batches=5))
    assert runner.message_hub.runtime_info["evaluated"] == expected
    assert runner.train_loop._iter == 40
