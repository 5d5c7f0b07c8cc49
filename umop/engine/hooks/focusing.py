"""Reports the focusing of each pyramid level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.losses import Level, ProgressiveLoss
from umop.system.console import note

_POSITIVES = "train/positives_"
"""Start of the names of the scalars that count the positives of each level."""
_FEWEST_STEPS = 10
"""Steps to read before a level without a positive says something of the data."""


@HOOKS.register_module()
class FocusingHook(Hook):
    """Adds what the loss measures on each pyramid level to the run's scalars.

    ``condition_0`` says how hard the positives of the first level are; ``gamma_0`` and ``alpha_0``
    follow from it. ``positives_0`` counts the anchors that have an object and ``share_0`` is their
    share of the level's anchors, both over all ranks.

    At the end of training, the levels are named that never had a positive, unless too few
    iterations were read to tell.

    The loss keeps them on the device; they are read to the host once every ``interval``
    iterations, all together.

    Args:
        interval: Iterations from one reading to the next.
    """

    priority = "HIGH"

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval
        self.losses: list[ProgressiveLoss[Any]] = []

    def before_train(self, runner: TrainingRunner) -> None:
        modules = runner.model.modules()
        self.losses = [module for module in modules if isinstance(module, ProgressiveLoss)]

    def before_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None
    ) -> None:
        due = self.every_n_train_iters(runner, self.interval)
        for loss in self.losses:
            loss.trace = [] if due else None

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        for loss in self.losses:
            if loss.trace:
                runner.message_hub.update_scalars(scalars(loss.trace))
            loss.trace = None

    def after_train(self, runner: TrainingRunner) -> None:
        if not is_main_process():
            return
        unused = {
            int(name.removeprefix(_POSITIVES)): len(history.data[0])
            for name, history in runner.message_hub.log_scalars.items()
            if name.startswith(_POSITIVES) and history.max() == 0
        }
        if unused and max(unused.values()) >= _FEWEST_STEPS:
            note(
                _never_positive(list(unused), max(unused.values()), _prior_generator(runner.model))
            )


def _prior_generator(model: torch.nn.Module) -> Any:
    """What places a detector's anchors, or its points."""
    return next(
        part.prior_generator for part in model.modules() if hasattr(part, "prior_generator")
    )


def _never_positive(levels: Sequence[int], steps: int, generator: Any) -> str:
    """Says that levels learned no object, and for which boxes they are.

    Args:
        levels: Counted from the finest, 0.
        steps: How many steps were looked at.
        generator: Of anchors or points.
    """
    listed = ", ".join(f"{level} ({_meant_for(level, generator)})" for level in levels)
    return (
        f"Pyramid levels that learned no object in any of the {steps} steps sampled: {listed}. If "
        "your data has no boxes of such sizes, this is harmless; another --size or config uses the "
        "levels better."
    )


def _meant_for(level: int, generator: Any) -> str:
    """A level's stride, and the boxes that its anchors suit."""
    stride = f"stride {generator.strides[level][0]}"
    if not hasattr(generator, "base_anchors"):
        return stride
    anchors = generator.base_anchors[level]
    side = float((anchors[:, 2:] - anchors[:, :2]).prod(dim=1).sqrt().mean())
    return f"{stride}, for boxes of about {side / 2**0.5:.0f} to {side * 2**0.5:.0f} pixels"


def scalars(levels: Sequence[Level]) -> dict[str, float]:
    """Reads what was measured on all levels, and counts over the ranks.

    Args:
        levels: From the finest to the coarsest.

    Returns:
        Values by name, such as ``train/gamma_0``.
    """
    anchors = torch.tensor([float(level.anchors) for level in levels])
    positives = torch.stack([level.positives for level in levels])
    counts = torch.stack([positives.float(), anchors.to(positives.device)])
    all_reduce(counts)
    measured = torch.stack(
        [torch.stack([level.condition, level.gamma, level.alpha]) for level in levels], dim=1
    )
    shares = counts[0] / counts[1].clamp(min=1)
    names = ("condition", "gamma", "alpha", "positives", "share")
    rows = torch.cat([measured.float(), counts[:1], shares[None]]).tolist()
    return {
        f"train/{name}_{level}": value
        for name, row in zip(names, rows, strict=True)
        for level, value in enumerate(row)
    }
