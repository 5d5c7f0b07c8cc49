"""The runner stops after a step, and says of a config that it cannot build why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook

from tests.umop.engine.toy import LOOPS, SAMPLES, ToyModel, toy
from umop.engine.loop import EpochLoop
from umop.engine.runner import Runner
from umop.system.errors import Stopped, UserError


class StopAt(Hook):
    """Asks training to stop in an iteration."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        runner.stop.asked |= runner.iter == self.iteration


def seen(runner: Runner) -> list[tuple[int, float, float]]:
    assert isinstance(runner.model, ToyModel)
    return runner.model.seen


@pytest.fixture(scope="module", params=LOOPS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A run that nothing disturbed."""
    runner = toy(tmp_path_factory.mktemp("whole"), request.param)
    runner.train()
    return runner


@pytest.mark.parametrize("iteration", [2, 4], ids=["between epochs", "in an epoch"])
def test_a_run_that_was_stopped_sees_what_it_would_have_seen(
    whole: Runner, iteration: int, tmp_path: Path
) -> None:
    """Samples, what is drawn for them and what the model draws."""
    loop = "epochs" if isinstance(whole.train_loop, EpochLoop) else "iterations"
    stopped = toy(tmp_path, loop)
    stopped.register_hook(StopAt(iteration))
    with pytest.raises(Stopped):
        stopped.train()
    assert stopped.checkpoints.saved_iteration == iteration + 1
    resumed = toy(tmp_path, loop)
    assert resumed.resumes
    resumed.train()
    assert seen(stopped) + seen(resumed) == seen(whole)
    assert torch.equal(resumed.model.weight, whole.model.weight)
    assert len(seen(whole)) >= 2 * SAMPLES


class Killed(Hook):
    """Breaks training off before an iteration."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if runner.iter == self.iteration:
            raise KeyboardInterrupt


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("iteration", [3, 4, 7])
def test_a_step_that_an_evaluation_interrupts_is_made_again(
    loop: str, iteration: int, tmp_path: Path
) -> None:
    """Epochs have three iterations, and so have the iterations from one evaluation to the next."""
    in_parts = {
        "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1}, "accumulative_counts": 2},
        "train_cfg": LOOPS[loop] | {"val_interval": 1 if loop == "epochs" else 3},
    }
    whole = toy(tmp_path / "whole", loop, **in_parts)
    whole.train()
    killed = toy(tmp_path / "killed", loop, **in_parts)
    killed.checkpoints.interval = 1 if loop == "epochs" else 3
    killed.register_hook(Killed(iteration))
    with pytest.raises(KeyboardInterrupt):
        killed.train()
    assert killed.checkpoints.saved_iteration == iteration // 2 * 2 * (iteration > 3)
    resumed = toy(tmp_path / "killed", loop, **in_parts)
    resumed.train()
    assert torch.equal(resumed.model.weight, whole.model.weight)


def test_a_loop_that_cannot_resume_is_refused(tmp_path: Path) -> None:
    runner = toy(tmp_path, train_cfg={"type": "DynamicLoop", "max_epochs": 1})
    with pytest.raises(UserError, match="must be one of EpochBasedTrainLoop, IterBasedTrainLoop"):
        runner.train()


def test_another_checkpoint_hook_is_refused(tmp_path: Path) -> None:
    runner = toy(tmp_path, default_hooks={"checkpoint": {"type": "CheckpointHook"}})
    with pytest.raises(UserError, match="must be of type SafeCheckpointHook"):
        runner.train()


def test_what_cannot_be_built_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"The config cannot be built: KeyError: .*NoModel"):
        toy(tmp_path, model={"type": "NoModel"})


def test_an_error_of_a_step_is_nobodys_config(tmp_path: Path) -> None:
    runner = toy(tmp_path)
    runner.model.forward = lambda *_, **__: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        runner.train()
