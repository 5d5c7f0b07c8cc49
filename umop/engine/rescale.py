"""Goes on with another number of processes than a checkpoint was saved by."""

from __future__ import annotations

from dataclasses import dataclass

from umop.engine.loop import EpochLoop
from umop.engine.protocol import TrainingRunner
from umop.system.console import note


@dataclass(frozen=True)
class Shares:
    """How training was divided.

    Attributes:
        ranks: How many processes trained together.
        batches: Batches of an epoch in each of them.
    """

    ranks: int
    batches: int


def rescale(runner: TrainingRunner, before: Shares) -> None:
    """Fits the learning rate and the place in the epoch to the number of processes there is now.

    Args:
        runner: Has resumed from a checkpoint.
        before: What that checkpoint was saved with.
    """
    now = Shares(runner.world_size, len(runner.train_dataloader))
    if before.ranks == now.ranks:
        return
    note(
        f"warning: {_processes(before.ranks)} trained until iteration {runner.iter}, and "
        f"{_processes(now.ranks)} will from now on. The result will not be bit-identical to that "
        "of either number by itself."
    )
    if isinstance(runner.train_loop, EpochLoop):
        done = runner.iter - runner.epoch * before.batches
        place = round(done * now.batches / before.batches)
        runner.train_loop._iter = runner.epoch * now.batches + place
    if (runner.auto_scale_lr or {}).get("enable", False):
        _scale_learning_rate(runner, now.ranks / before.ranks)


def _processes(count: int) -> str:
    """A number of processes, in words."""
    return "1 process" if count == 1 else f"{count} processes"


def _scale_learning_rate(runner: TrainingRunner, ratio: float) -> None:
    """Scales the learning rates that a checkpoint brought, now and in the schedule."""
    for group in runner.optim_wrapper.param_groups:
        group["lr"] *= ratio
        group["initial_lr"] *= ratio
    for scheduler in runner.param_schedulers or []:
        if scheduler.param_name == "lr":
            scheduler.base_values = [value * ratio for value in scheduler.base_values]
            scheduler._last_value = [value * ratio for value in scheduler._last_value]
