"""Ends training that gets no better."""

from __future__ import annotations

from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import EarlyStoppingHook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.system.console import note


@HOOKS.register_module()
class PatienceHook(EarlyStoppingHook):
    """mmengine's early stopping by AP, which says so.

    Args:
        patience: Evaluations without a better AP after which training ends.
    """

    def __init__(self, patience: int) -> None:
        super().__init__(monitor="AP", rule="greater", min_delta=0.001, patience=patience)

    def after_val_epoch(
        self, runner: TrainingRunner, metrics: dict[str, Any] | None = None
    ) -> None:
        super().after_val_epoch(runner, metrics)
        if runner.train_loop.stop_training and is_main_process():
            note(
                f"Ended early, at iteration {runner.iter}: AP has not grown for {self.patience} "
                "evaluations."
            )
