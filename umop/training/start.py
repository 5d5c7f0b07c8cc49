"""The way from options to a trained run, whether the command or a program asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from umop.distributed.signals import StopSignals
from umop.system.console import quietly
from umop.system.processor import choose_processor, tune_processor
from umop.training.options import TrainOptions

if TYPE_CHECKING:
    from mmengine.hooks import Hook


def start_training(
    options: TrainOptions,
    stop: StopSignals,
    hooks: Callable[[], Sequence[Hook]] = list,
) -> Path | None:
    """Trains, and writes the report. The processor is chosen before PyTorch is imported.

    Args:
        options: What to train, and how.
        stop: Whether training was asked to stop.
        hooks: Makes hooks of the caller's; PyTorch is imported then.

    Returns:
        The final checkpoint; None where nothing is kept, or another node keeps it.

    Raises:
        UserError: Something that the user can put right.
        Stopped: Training was asked to stop, and is saved.
        TrainingError: The loss is not finite, or one of several processes is gone.
    """
    run = options.run
    tune_processor()
    choose_processor(options.on_cpu)
    with quietly():
        from umop.config.load import load_config
        from umop.report import write_report
        from umop.training.train import mirror_report, train

        config = load_config(options.config_name, options.changes)
        checkpoint = train(config, run, options, stop, hooks())
        if checkpoint is not None:
            write_report(run)
            mirror_report(options)
    return checkpoint
