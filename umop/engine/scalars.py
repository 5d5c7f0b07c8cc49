"""What mmengine's message hub has of the step that was just made."""

from __future__ import annotations

from umop.engine.protocol import TrainingRunner


def step_losses(runner: TrainingRunner) -> dict[str, float]:
    """The loss of the last step, under ``loss``, and its parts, such as ``loss_cls``."""
    scalars = runner.message_hub.log_scalars
    return {
        name.removeprefix("train/"): float(scalars[name].current())
        for name in scalars
        if name.startswith("train/loss")
    }
