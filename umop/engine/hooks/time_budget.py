"""Ends training, its decay included, within a time."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.system.console import note

_BETWEEN = 10
"""Iterations from one look at the clock to the next."""
_EARLY = (2, 5)
"""The first iterations of a start after which a short budget is looked at."""
_SHORT = 0.25
"""The share of a start's time that is spent by then, where it is short."""
_TOLERANCE = 0.02
"""The share of the length that a change must exceed."""
_EVALUATING = 0.5
"""The share of the budget that evaluations take at most, where it allows more than one."""
_RESERVE = 0.05
"""The share of the budget that is kept for what the pace does not show."""


@HOOKS.register_module()
class TimeBudgetHook(Hook):
    """Shortens training so that it ends, its learning rate decayed, within a time.

    The pace so far decides, and is looked at every ten iterations, and sooner where they take much
    of the time. Before the first evaluation an image is taken to cost what it does in training.
    Where evaluations would take too much of the time, fewer are made. Schedulers are shortened in
    place: they compute each value from the one before, so that the learning rate has no jump, and
    makes each of its drops once. A run that is resumed continues with the time that it has left.

    Args:
        seconds: What training may take, its evaluations included.
    """

    priority = "LOW"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.evaluating = 0.0
        self.evaluations = 0
        self.noted = 0
        self.is_over = False
        self.is_over_noted = False

    def before_train(self, runner: TrainingRunner) -> None:
        self.started = time.monotonic()
        self.first = runner.iter
        self.planned = runner.cfg.train_cfg.max_iters
        self.most: int = math.ceil(self.planned / _val_interval(runner))
        self.count = self.most
        self.evaluation_steps = _evaluation_steps(runner)
        kept = runner.message_hub.runtime_info.get("time_budget", {})
        self.before = float(kept.get("spent", 0.0))
        if kept:
            self.count = kept.get("evaluations", self.count)
            _set_length(runner, kept["max_iters"], self.count)

    def before_val(self, runner: TrainingRunner) -> None:
        self.val_started = time.monotonic()

    def after_val(self, runner: TrainingRunner) -> None:
        self.evaluating += time.monotonic() - self.val_started
        self.evaluations += 1

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        done = runner.iter + 1
        early = done - self.first in _EARLY
        if (early or done % _BETWEEN == 0) and done < runner.max_iters:
            looks = is_main_process() and (not early or self.is_short())
            now = [runner.max_iters, self.count]
            decided = list(self.affordable(runner, done)) if looks else now
            broadcast_object_list(decided)
            length, count = decided
            changes = abs(length - runner.max_iters) > _TOLERANCE * runner.max_iters
            if changes or count != self.count:
                self.count = count
                _set_length(runner, length, count)
                self.report(length)
        runner.message_hub.update_info(
            "time_budget",
            {"spent": self.spent(), "max_iters": runner.max_iters, "evaluations": self.count},
        )

    def spent(self) -> float:
        """Seconds that training has taken, before it was interrupted too."""
        return self.before + time.monotonic() - self.started

    def is_short(self) -> bool:
        """Whether the first iterations of this start have taken much of its time."""
        return self.spent() - self.before > _SHORT * (self.seconds - self.before)

    def affordable(self, runner: TrainingRunner, done: int) -> tuple[int, int]:
        """How many iterations, with those done, and evaluations the budget is enough for."""
        elapsed = time.monotonic() - self.started - self.evaluating
        pace = elapsed / (done - self.first)
        one = pace * self.evaluation_steps
        if self.evaluations:
            one = self.evaluating / self.evaluations
        count = self.most
        if count * one > _EVALUATING * self.seconds:
            count = max(1, int(_EVALUATING * self.seconds / one))
        to_come = min(count, math.ceil((runner.max_iters - done) / _val_interval(runner)))
        left = self.seconds * (1 - _RESERVE) - self.spent() - to_come * one
        self.is_over = left < pace
        parts = _parts(runner)
        soonest = _whole(done + 1, parts)
        length = max(soonest, (done + int(left / pace)) // parts * parts)
        return min(self.planned, length), count

    def report(self, length: int) -> None:
        """Says how far training is shortened, where that changes much."""
        before = self.noted or self.planned
        if not is_main_process():
            return
        if self.is_over and not self.is_over_noted:
            self.is_over_noted = True
            note(
                f"The time is over: training ends with iteration {length} of {self.planned}, and "
                "an evaluation."
            )
        elif not 0.5 < length / before < 2:
            self.noted = length
            note(f"About {length} of {self.planned} iterations fit into the time, and are made.")


def _evaluation_steps(runner: TrainingRunner) -> float:
    """The training iterations that have as many images as an evaluation."""
    images = len(runner.val_loop.dataloader.dataset)
    return images / (runner.cfg.train_dataloader.batch_size * runner.world_size)


def _val_interval(runner: TrainingRunner) -> int:
    """Iterations from one evaluation to the next."""
    return int(runner.train_loop.val_interval)


def _parts(runner: TrainingRunner) -> int:
    """The iterations of a step, whose gradients add up."""
    return int(runner.cfg.optim_wrapper.get("accumulative_counts", 1))


def _whole(iterations: float, parts: int) -> int:
    """Iterations, rounded up to whole steps: a checkpoint has no gradients of a part."""
    return math.ceil(iterations / parts) * parts


def _set_length(runner: TrainingRunner, length: int, evaluations: int) -> None:
    """Makes a training loop that is under way shorter or longer, and its schedulers with it."""
    loop = runner.train_loop
    loop._max_iters = length
    runner.message_hub.update_info("max_iters", length)
    loop.val_interval = _whole(length / evaluations, _parts(runner))
    loop.dynamic_intervals = [loop.val_interval] * len(loop.dynamic_intervals)
    most = runner.cfg.train_cfg.max_iters
    for scheduler, planned in zip(runner.param_schedulers, runner.cfg.param_scheduler, strict=True):
        _place(scheduler, {"end": most, **planned}, length / most)


def _place(scheduler: Any, planned: Any, share: float) -> None:
    """Moves what is still to come of a scheduler to a share of its planned place.

    Args:
        scheduler: mmengine's, under way.
        planned: Its section of the config.
        share: The new length over the planned one.
    """
    soonest = scheduler._global_step + 2
    if scheduler.end < soonest:
        return
    if scheduler.begin >= soonest:
        scheduler.begin = max(soonest, round(planned["begin"] * share))
    scheduler.end = max(soonest, round(planned["end"] * share))
    if hasattr(scheduler, "T_max"):
        scheduler.T_max = max(1, scheduler.end - scheduler.begin)
    if hasattr(scheduler, "milestones"):
        to_come = sum(one > scheduler.last_step for one in scheduler.milestones.elements())
        made = len(planned["milestones"]) - to_come
        scheduler.milestones = Counter(
            max(scheduler.last_step + 1, round(one * share))
            for one in sorted(planned["milestones"])[made:]
        )
    if hasattr(scheduler, "start_factor"):  # a line from where the factor is now to 1
        scheduler.total_iters = scheduler.end - scheduler.begin - 1
        passed = scheduler.last_step / scheduler.total_iters
        factor = scheduler._last_value[0] / scheduler.base_values[0]
        scheduler.start_factor = (factor - passed) / (1 - passed)
