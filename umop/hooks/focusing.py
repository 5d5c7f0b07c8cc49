"""Reports the focusing of each pyramid level."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from umop.losses import ProgressiveLoss


@HOOKS.register_module()
class FocusingHook(Hook):
    """Adds γ of each pyramid level to the run's scalars, as ``gamma_0``, ``gamma_1``, ….

    The loss keeps γ on the device; it is read to the host once every ``interval`` iterations.

    Args:
        interval: Iterations from one reading to the next.
    """

    priority = "HIGH"

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval
        self.losses: list[ProgressiveLoss[Any]] = []

    def before_train(self, runner: Runner) -> None:
        modules = runner.model.modules()
        self.losses = [module for module in modules if isinstance(module, ProgressiveLoss)]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        due = self.every_n_train_iters(runner, self.interval)
        for loss in self.losses:
            loss.trace = [] if due else None

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        for loss in self.losses:
            for level, gamma in enumerate(loss.trace or ()):
                runner.message_hub.update_scalar(f"train/gamma_{level}", gamma.item())
            loss.trace = None
