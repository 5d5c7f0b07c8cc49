"""Says once how long training will take."""

from __future__ import annotations

import time
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.system.console import note


@HOOKS.register_module()
class EstimateHook(Hook):
    """Notes the expected minutes after the first iterations.

    Args:
        after: Iterations to measure, of which the slow first ones do not count.
    """

    priority = "LOW"

    def __init__(self, after: int = 20) -> None:
        self.after = after

    def before_train(self, runner: TrainingRunner) -> None:
        self.first = runner.iter

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        done = runner.iter + 1 - self.first
        if done == self.after // 4:
            self.started = time.monotonic()
        if done == self.after and is_main_process():
            counted = self.after - self.after // 4
            pace = (time.monotonic() - self.started) / counted
            minutes = pace * (runner.max_iters - self.first) / 60
            note(f"{pace:.2f} s an iteration: about {minutes:.1f} minutes, and the evaluations.")
