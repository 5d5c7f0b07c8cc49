"""Says once how long training will take."""

from __future__ import annotations

from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from umop.engine.hooks.pace import Pace
from umop.engine.protocol import TrainingRunner
from umop.system.console import note

_MEASURED = 20
"""The iterations after which the note is written."""


@HOOKS.register_module()
class EstimateHook(Hook):
    """Notes the expected minutes after the first iterations."""

    priority = "LOW"

    def __init__(self) -> None:
        self.pace = Pace()

    def before_train(self, runner: TrainingRunner) -> None:
        self.first = runner.iter
        self.pace.restart()

    def after_train_iter(self, runner: TrainingRunner, *_: Any, **__: Any) -> None:
        self.pace.advance()
        seconds = self.pace.seconds
        if seconds and runner.iter + 1 - self.first == _MEASURED and is_main_process():
            minutes = seconds * (runner.max_iters - self.first) / 60
            note(f"{seconds:.2f} s an iteration: about {minutes:.1f} minutes, and the evaluations.")

    def after_val(self, runner: TrainingRunner) -> None:
        self.pace.restart()
