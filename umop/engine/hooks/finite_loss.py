"""Stops training when the loss is not finite, and keeps what is needed to find out why."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.system.errors import TrainingError

Losses = dict[str, torch.Tensor | list[torch.Tensor]]
_FILE = "not-finite.json"


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends training at the first loss that is NaN or infinite.

    On a GPU the losses of a step are looked at one step later, when they have been computed
    anyway, so that the GPU never waits.
    """

    priority = "HIGH"

    def __init__(self) -> None:
        self.losses: Losses = {}
        self.last: tuple[int, Losses, torch.Tensor, list[str]] | None = None

    def before_train(self, runner: TrainingRunner) -> None:
        model: Any = runner.model
        model = model.module if is_model_wrapper(model) else model
        model.register_forward_hook(self.remember)

    def remember(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        """Keeps what the model computed: in training, a dictionary of losses.

        Args:
            module: The model, which says whether it is in training.
            inputs: Not needed; torch gives them to every forward hook.
            output: What the model returned.
        """
        if module.training and isinstance(output, dict):
            self.losses = output

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        step = (runner.iter, self.losses, outputs["loss"].detach().isfinite(), _images(data_batch))
        on_gpu = step[2].is_cuda
        self.check(runner, self.last if on_gpu else step)
        self.last = step

    def before_save_checkpoint(self, runner: TrainingRunner, checkpoint: dict[str, Any]) -> None:
        self.check(runner, self.last)

    def check(
        self, runner: TrainingRunner, step: tuple[int, Losses, torch.Tensor, list[str]] | None
    ) -> None:
        """Looks at the losses of a step.

        Raises:
            TrainingError: One is not finite.
        """
        if step is None or bool(step[2]):
            return
        iteration, losses, _, names = step
        values = {name: plain(loss) for name, loss in losses.items()}
        file = Path(runner.work_dir) / _FILE
        content = {
            "iteration": iteration + 1,
            "rank": get_rank(),
            "losses": values,
            "pictures": names,
        }
        file.write_text(json.dumps(content, indent=2) + "\n")
        raise TrainingError(
            f"The loss is not finite at iteration {iteration + 1}: {first_not_finite(values)}. The "
            f"images are listed in {file}. Look at their boxes, or lower the learning rate with "
            "--set optim_wrapper.optimizer.lr=…"
        )


def _images(batch: Any) -> list[str]:
    """The files of a batch's images."""
    return [sample.metainfo.get("img_path", "") for sample in batch["data_samples"]]


def plain(loss: torch.Tensor | list[torch.Tensor]) -> list[float]:
    """A loss, for each pyramid level where it has several values."""
    parts = loss if isinstance(loss, list | tuple) else [loss]
    return [float(part.detach().float().mean()) for part in parts]


def first_not_finite(values: dict[str, list[float]]) -> str:
    """Names the first value that is not finite."""
    for name, levels in values.items():
        for level, value in enumerate(levels):
            if not math.isfinite(value):
                where = f" of level {level}" if len(levels) > 1 else ""
                return f"{name}{where} is {value}"
    return "their sum overflows"
