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
            "optim_wrapper": {},
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
    runner, length = runner_at(0, {}), sections[-1]["end"]
    schedule(runner, sections, length)
    hook = TimeBudgetHook(seconds=0.06 * length)
    rates = train(hook, runner, clock)
    assert 0.8 * hook.seconds < clock[0] <= hook.seconds
    assert rates[-1] < 0.1 * max(rates)
    decay = rates[rates.index(max(rates)) :]
    assert max(one - other for one, other in pairwise(decay)) < 0.05 * max(rates), "it has no jump"


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [({}, [800, 1100]), ({720: 960}, [721, 880]), ({100: 1000, 700: 1060}, [667, 972])],
    ids=["as planned", "shorter once one was due", "longer once one was made"],
)
def test_each_drop_of_the_learning_rate_is_made_once(
    monkeypatch: pytest.MonkeyPatch, lengths: dict[int, int], expected: list[int]
) -> None:
    """The lengths are those that the time is enough for, as of some iterations."""
    runner, hook = runner_at(0, {}), TimeBudgetHook(seconds=1000.0)
    schedule(runner, [{"type": "MultiStepLR", "by_epoch": False, "milestones": [800, 1100]}], 1200)
    monkeypatch.setattr(
        hook, "affordable", lambda _, done: (lengths.get(done, runner.max_iters), hook.count)
    )
    rates = train(hook, runner, clock=[0.0])
    dropped = [index for index, (one, other) in enumerate(pairwise(rates), 1) if other != one]
    assert dropped == expected
    assert rates[-1] == pytest.approx(1e-4)


def test_accumulated_gradients_are_neither_cut_by_the_end_nor_by_an_evaluation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock: every step takes 0.1 s; every evaluation takes 1 s."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    runner = runner_at(0, {})
    runner.cfg.optim_wrapper.accumulative_counts = 8
    hook = TimeBudgetHook(seconds=50.0)
    intervals: set[int] = set()
    monkeypatch.setattr(hook, "report", lambda _: intervals.add(runner.train_loop.val_interval))
    train(hook, runner, clock)
    assert runner.iter < 1000
    assert runner.iter % 8 == 0
    assert intervals
    assert all(interval % 8 == 0 for interval in intervals)


def schedule(runner: Any, sections: list[Any], length: int) -> None:
    """Gives a runner schedulers, and a length."""
    runner.cfg.train_cfg.max_iters = runner.train_loop._max_iters = length
    runner.cfg.param_scheduler = sections
    optimizer = OptimWrapper(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01))
    runner.param_schedulers = [
        PARAM_SCHEDULERS.build({"end": length, **section, "optimizer": optimizer})
        for section in sections
    ]


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
