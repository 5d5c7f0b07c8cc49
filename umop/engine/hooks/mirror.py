"""Has a run mirrored whenever it is saved."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook

from umop.engine.protocol import TrainingRunner
from umop.runs.uploads import Uploads


class MirrorHook(Hook):
    """Offers each save for uploading; registered only on the first rank.

    Args:
        uploads: Uploads them.
    """

    priority = "LOWEST"

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self.offered = (-1, -1)

    def before_train(self, runner: TrainingRunner) -> None:
        self.offered = (runner.checkpoints.saved_iteration, runner.checkpoints.best_iteration)

    def after_train_iter(self, runner: TrainingRunner, *_: Any, **__: Any) -> None:
        self.uploads.require_ours()
        self.offer(runner)

    def offer(self, runner: TrainingRunner, *_: Any, **__: Any) -> None:
        saved = (runner.checkpoints.saved_iteration, runner.checkpoints.best_iteration)
        if saved != self.offered:
            self.offered = saved
            self.uploads.offer(runner.checkpoints.saved_iteration)

    before_val = after_train_epoch = after_val_epoch = after_train = offer
