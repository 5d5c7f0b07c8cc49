"""A time budget is shared by the starts of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mmengine.config import Config

from umop.engine.hooks.time_budget import TimeBudgetHook


def runner_at(iteration: int, kept: dict[str, Any]) -> Any:
    """What the hook sees of a runner that trains 1000 iterations, evaluated 4 times."""
    loop = SimpleNamespace(_max_iters=1000, val_interval=250, dynamic_intervals=[250])
    hub = SimpleNamespace(runtime_info={"time_budget": kept} if kept else {})
    config = Config({"train_cfg": {"max_iters": 1000}, "param_scheduler": []})
    return SimpleNamespace(
        iter=iteration, cfg=config, train_loop=loop, message_hub=hub, param_schedulers=[]
    )


def test_a_resumed_run_has_the_time_that_is_left() -> None:
    hook, runner = TimeBudgetHook(seconds=100.0), runner_at(40, {"spent": 90.0, "max_iters": 48})
    hook.before_train(runner)
    assert runner.train_loop._max_iters == 48
    assert hook.spent() >= 90.0
    runner.max_iters = 48
    hook.started -= 5.0  # as if the 5 s that are left had passed with one iteration
    assert hook.affordable(runner, done=41) == 42


def test_evaluations_are_spread_over_the_shorter_training() -> None:
    runner = runner_at(40, {"spent": 50.0, "max_iters": 80})
    TimeBudgetHook(seconds=100.0).before_train(runner)
    assert runner.train_loop.dynamic_intervals == [runner.train_loop.val_interval] == [20]


def test_a_first_start_has_all_the_time() -> None:
    hook, runner = TimeBudgetHook(seconds=100.0), runner_at(0, {})
    hook.before_train(runner)
    assert runner.train_loop._max_iters == 1000
    assert hook.spent() < 90.0
