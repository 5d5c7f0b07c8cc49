"""Keeps what a run measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.runs.folder import RunFolder


@HOOKS.register_module()
class MetricsHook(Hook):
    """Appends one JSON line to ``metrics.jsonl`` every ``interval`` iterations and evaluation.

    Args:
        interval: Iterations from one line to the next.
    """

    priority = "LOW"

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if self.every_n_train_iters(runner, self.interval):
            scalars, _ = runner.log_processor.get_log_after_iter(runner, batch_idx, "train")
            self.append(runner, scalars)

    def after_val_epoch(
        self, runner: TrainingRunner, metrics: dict[str, float] | None = None
    ) -> None:
        self.append(runner, metrics or {})

    @master_only
    def append(self, runner: TrainingRunner, scalars: dict[str, float]) -> None:
        """Writes one line."""
        line = {"iter": runner.iter + (1 if "loss" in scalars else 0), **scalars}
        with RunFolder(Path(runner.work_dir)).metrics_file.open("a") as lines:
            lines.write(json.dumps(line) + "\n")
