"""Says once how long training will take."""

from __future__ import annotations

import time
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.system.console import note

_SLOW, _MEASURED = 5, 20
"""The first iterations, which do not count, and the one after which the note is written."""


@HOOKS.register_module()
class EstimateHook(Hook):
    """Notes the expected minutes after the first iterations."""

    priority = "LOW"

    def before_train(self, runner: TrainingRunner) -> None:
        self.first = runner.iter

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        done = runner.iter + 1 - self.first
        if done == _SLOW:
            self.started = time.monotonic()
        if done == _MEASURED and is_main_process():
            pace = (time.monotonic() - self.started) / (_MEASURED - _SLOW)
            minutes = pace * (runner.max_iters - self.first) / 60
            note(f"{pace:.2f} s an iteration: about {minutes:.1f} minutes, and the evaluations.")
