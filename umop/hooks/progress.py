"""Shows how far training and evaluation have come."""

from __future__ import annotations

import time
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from umop.console import Count

SECONDS_BETWEEN_LINES = 20.0


@HOOKS.register_module()
class ProgressHook(Hook):
    """A progress bar on a terminal, now and then a line elsewhere (a log, a Kubernetes job)."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self.last_line = time.monotonic()
        self.started = time.monotonic()
        self.first_iteration = 0

    def before_train(self, runner: Runner) -> None:
        self.started = self.last_line = time.monotonic()
        self.first_iteration = runner.iter
        self.task = self.progress.add_task(
            "", total=runner.max_iters, completed=runner.iter, loss=float("nan")
        )
        if is_main_process() and self.console.is_terminal:
            self.progress.start()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if not is_main_process():
            return
        if self.console.is_terminal:
            self.progress.update(self.task, completed=runner.iter + 1, loss=loss(runner))
        elif self.line_is_due(runner):
            self.last_line = time.monotonic()
            self.console.print(self.line(runner))

    def after_train(self, runner: Runner) -> None:
        self.progress.stop()

    def before_val(self, runner: Runner) -> None:
        self.count = Count("evaluating: batch", len(runner.val_loop.dataloader))

    def before_test(self, runner: Runner) -> None:
        self.count = Count("evaluating: batch", len(runner.test_loop.dataloader))

    def after_val_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        if is_main_process():
            self.count.advance()

    after_test_iter = after_val_iter

    def line_is_due(self, runner: Runner) -> bool:
        last = runner.iter + 1 == runner.max_iters
        return last or time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES

    def line(self, runner: Runner) -> str:
        done = runner.iter + 1
        elapsed = time.monotonic() - self.started
        left = elapsed / (done - self.first_iteration) * (runner.max_iters - done)
        return (
            f"training: iteration {done} of {runner.max_iters}, loss {loss(runner):.3f}, "
            f"{elapsed:.0f} s, about {left:.0f} s left"
        )


def loss(runner: Runner) -> float:
    return float(runner.message_hub.get_scalar("train/loss").current())
