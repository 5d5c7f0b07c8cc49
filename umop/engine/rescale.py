"""Goes on with another number of processes than a checkpoint was saved by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmengine.registry import PARAM_SCHEDULERS

from umop.engine.loop import EpochLoop
from umop.engine.protocol import TrainingRunner
from umop.system.console import note

_REACHED = {"base_values", "_last_value", "_global_step"}
"""What a scheduler's state has of the training so far, beside its last step."""


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
    """Fits learning rate, schedule and place in the epoch to the number of processes there is now.

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
        _move(runner, before.batches, now.batches)
    if (runner.auto_scale_lr or {}).get("enable", False):
        _scale_learning_rate(runner, now.ranks / before.ranks)


def _processes(count: int) -> str:
    """A number of processes, in words."""
    return "1 process" if count == 1 else f"{count} processes"


def _move(runner: TrainingRunner, before: int, now: int) -> None:
    """Goes to the same place of the epoch, rounded down: what happens at its end is to come.

    Args:
        runner: Its loop counts epochs.
        before: The batches that an epoch had.
        now: Those that it has.
    """
    place = runner.iter * now // before
    sections = runner.cfg.get("param_scheduler") or []
    for scheduler, section in zip(runner.param_schedulers or [], sections, strict=True):
        if section.get("convert_to_iter_based", False):
            vars(scheduler).update(_plan(runner, section))
            _go_to(scheduler, scheduler._global_step + place - runner.iter)
    evaluated = runner.message_hub.runtime_info.get("evaluated", 0)
    runner.message_hub.update_info("evaluated", evaluated // before * now)
    runner.train_loop._iter = place


def _plan(runner: TrainingRunner, section: Any) -> dict[str, Any]:
    """What a scheduler is built with for the epoch that there is now.

    Args:
        runner: Its optimizer is left as it is.
        section: The scheduler's, of the config.
    """
    groups = runner.optim_wrapper.param_groups
    kept = [dict(group) for group in groups]
    built = PARAM_SCHEDULERS.build(
        {"end": runner.train_loop.max_epochs, **section},
        default_args={
            "optimizer": runner.optim_wrapper,
            "epoch_length": len(runner.train_dataloader),
        },
    )
    for group, values in zip(groups, kept, strict=True):
        group.update(values)
    return {key: value for key, value in built.state_dict().items() if key not in _REACHED}


def _go_to(scheduler: Any, step: int) -> None:
    """Counts so many steps as made by a scheduler, without a change of its value."""
    scheduler._global_step = step
    scheduler.last_step = max(-1, min(step, scheduler.end - 1) - scheduler.begin)


def _scale_learning_rate(runner: TrainingRunner, ratio: float) -> None:
    """Scales the learning rates that a checkpoint brought, now and in the schedule."""
    for group in runner.optim_wrapper.param_groups:
        group["lr"] *= ratio
        group["initial_lr"] *= ratio
    for scheduler in runner.param_schedulers or []:
        if scheduler.param_name == "lr":
            scheduler.base_values = [value * ratio for value in scheduler.base_values]
            scheduler._last_value = [value * ratio for value in scheduler._last_value]
