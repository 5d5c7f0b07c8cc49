"""Calls functions of the program that trains."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TextIO

from mmengine.hooks import Hook

from umop.engine.protocol import TrainingRunner
from umop.engine.scalars import step_losses

_Callback = Callable[[int, dict[str, float]], object]


class CallbackHook(Hook):
    """Calls functions behind steps and evaluations; registered only on the first rank.

    Args:
        on_step: Gets the iteration, counted from 1, and the losses.
        on_evaluation: Gets the iteration and the metrics.
        out: Where the functions print to, though the libraries print nowhere.
    """

    priority = "LOW"

    def __init__(
        self, on_step: _Callback | None, on_evaluation: _Callback | None, out: TextIO
    ) -> None:
        self.on_step = on_step
        self.on_evaluation = on_evaluation
        self.out = out

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if self.on_step:
            with contextlib.redirect_stdout(self.out):
                self.on_step(runner.iter + 1, step_losses(runner))

    def after_val_epoch(
        self, runner: TrainingRunner, metrics: dict[str, float] | None = None
    ) -> None:
        if self.on_evaluation:
            with contextlib.redirect_stdout(self.out):
                self.on_evaluation(runner.iter, dict(metrics or {}))
