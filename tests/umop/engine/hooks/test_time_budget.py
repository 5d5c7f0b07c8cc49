"""A time budget is shared by the starts of a run."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS

from umop.config.load import load_config
from umop.engine.hooks.time_budget import TimeBudgetHook


def runner_at(iteration: int, kept: dict[str, Any], images: int = 0) -> Any:
    """What the hook sees of a runner that trains 1000 iterations, evaluated 4 times on images."""
    loop = SimpleNamespace(_max_iters=1000, val_interval=250, dynamic_intervals=[250])
    infos: dict[str, Any] = {"time_budget": kept} if kept else {}
    hub = SimpleNamespace(runtime_info=infos, update_info=infos.__setitem__)
    config = Config(
        {
            "train_cfg": {"max_iters": 1000},
            "param_scheduler": [],
            "train_dataloader": {"batch_size": 4},
        }
    )
    return SimpleNamespace(
        iter=iteration,
        cfg=config,
        train_loop=loop,
        val_loop=SimpleNamespace(dataloader=SimpleNamespace(dataset=range(images))),
        world_size=1,
        message_hub=hub,
        param_schedulers=[],
    )


def test_a_resumed_run_has_the_time_that_is_left() -> None:
    hook, runner = TimeBudgetHook(seconds=100.0), runner_at(40, {"spent": 90.0, "max_iters": 48})
    hook.before_train(runner)
    assert runner.train_loop._max_iters == runner.message_hub.runtime_info["max_iters"] == 48
    assert hook.spent() >= 90.0
    runner.max_iters = 48
    hook.started -= 5.0  # as if the 5 s that are left had passed with one iteration
    assert hook.affordable(runner, done=41) == (42, 4)


def test_evaluations_are_spread_over_the_shorter_training() -> None:
    runner = runner_at(40, {"spent": 50.0, "max_iters": 80})
    TimeBudgetHook(seconds=100.0).before_train(runner)
    assert runner.train_loop.dynamic_intervals == [runner.train_loop.val_interval] == [20]


def test_a_first_start_has_all_the_time() -> None:
    hook, runner = TimeBudgetHook(seconds=100.0), runner_at(0, {})
    hook.before_train(runner)
    assert runner.train_loop._max_iters == 1000
    assert hook.spent() < 90.0


@pytest.mark.parametrize(("step", "length"), [(0.4, 3), (0.02, 1000)])
def test_a_time_of_a_few_steps_is_looked_at_after_two(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: float,
    length: int,
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    hook, runner = TimeBudgetHook(seconds=1.0), runner_at(0, {})
    runner.max_iters = 1000
    hook.before_train(runner)
    for runner.iter in range(2):
        clock[0] += step
        hook.after_train_iter(runner, runner.iter)
    assert runner.train_loop._max_iters == length
    said = "The time is over: training ends with iteration 3 of 1000, and an evaluation."
    assert (said in capsys.readouterr().err) == (length == 3)


def test_a_slow_first_step_of_a_resumed_run_shortens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    hook = TimeBudgetHook(seconds=3600.0)
    runner = runner_at(251, {"spent": 920.0, "max_iters": 1000})
    runner.max_iters = 1000
    hook.before_train(runner)
    for runner.iter, seconds in enumerate((40.0, 3.4, 3.4, 3.4, 3.4), 251):
        clock[0] += seconds
        hook.after_train_iter(runner, runner.iter)
    assert runner.train_loop._max_iters == 1000


def test_the_first_evaluation_is_expected_and_many_images_are_evaluated_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock: a step of 4 images takes 0.1 s, an evaluation of 1000 takes 30 s."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    hook, runner = TimeBudgetHook(seconds=60.0), runner_at(0, {}, images=1000)
    train(hook, runner, clock, evaluation=30.0)
    assert hook.evaluations == 1
    assert 0.8 * hook.seconds < clock[0] <= hook.seconds * 1.1


def test_the_learning_rate_decays_within_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock: every step takes 0.1 s; every evaluation takes 1 s."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    sections = load_config("small").param_scheduler
    runner = runner_at(0, {})
    length = runner.cfg.train_cfg.max_iters = runner.train_loop._max_iters = sections[-1]["end"]
    runner.cfg.param_scheduler = sections
    optimizer = OptimWrapper(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01))
    runner.param_schedulers = [
        PARAM_SCHEDULERS.build(dict(section, optimizer=optimizer)) for section in sections
    ]
    hook = TimeBudgetHook(seconds=0.06 * length)
    rates = train(hook, runner, clock)
    assert 0.8 * hook.seconds < clock[0] <= hook.seconds
    assert rates[-1] < 0.1 * max(rates)
    decay = rates[rates.index(max(rates)) :]
    assert max(one - other for one, other in pairwise(decay)) < 0.05 * max(rates), "it has no jump"


def train(
    hook: TimeBudgetHook, runner: Any, clock: list[float], evaluation: float = 1.0
) -> list[float]:
    """Goes through a training whose time passes on a clock of the test's own.

    Returns:
        The learning rate of each iteration.
    """
    rates: list[float] = []
    hook.before_train(runner)
    while runner.iter < runner.train_loop._max_iters:
        runner.max_iters = runner.train_loop._max_iters
        for scheduler in runner.param_schedulers[:1]:
            rates.append(scheduler.optimizer.param_groups[0]["lr"])
        clock[0] += 0.1
        for scheduler in runner.param_schedulers:
            scheduler.step()
        hook.after_train_iter(runner, 0)
        runner.iter += 1
        if runner.iter % runner.train_loop.val_interval == 0:
            hook.before_val(runner)
            clock[0] += evaluation
            hook.after_val(runner)
    return rates
