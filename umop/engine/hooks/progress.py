"""Shows how far training and evaluation have come."""

from __future__ import annotations

import atexit
from collections.abc import Iterable
from time import monotonic
from typing import Any

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from umop.engine.hooks.notebook import NotebookBar
from umop.engine.hooks.pace import Pace
from umop.engine.protocol import TrainingRunner
from umop.engine.scalars import step_losses
from umop.system.console import Count, duration
from umop.system.hardware import GIB

_SECONDS_BETWEEN_LINES = 20.0


@HOOKS.register_module()
class ProgressHook(Hook):
    """A progress bar on a terminal or in a notebook, now and then a line elsewhere (a log)."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bar = _Bar(self.console)
        self.notebook: NotebookBar | None = None
        self.pace = Pace()
        self.last_line = -_SECONDS_BETWEEN_LINES
        self.count: Count | None = None

    def before_train(self, runner: TrainingRunner) -> None:
        self.task = self.bar.add_task("training", total=runner.max_iters, completed=runner.iter)
        self.pace.restart()
        if is_main_process() and self.console.is_terminal:
            self.bar.start()
            atexit.register(self.bar.stop)  # shows the cursor again, however training ends
        if is_main_process() and self.console.is_jupyter:
            self.notebook = NotebookBar(runner.max_iters)

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self.pace.advance()
        if not is_main_process():
            return
        done = runner.iter + 1
        if self.console.is_terminal:
            self.bar.detail = ", ".join(self.measured(runner, data_batch))
            self.bar.update(
                self.task, completed=done, total=runner.max_iters, left=self.left(runner)
            )
        elif self.notebook:
            is_last = done == runner.max_iters or runner.stop.asked
            self.notebook.update(done, runner.max_iters, self.line(runner, data_batch), is_last)
        elif done == runner.max_iters or monotonic() - self.last_line >= _SECONDS_BETWEEN_LINES:
            self.last_line = monotonic()
            self.console.print(
                f"training: iteration {done} of {runner.max_iters}, "
                f"{self.line(runner, data_batch)}",
                soft_wrap=True,
                highlight=False,
            )

    def after_run(self, runner: TrainingRunner) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def before_val(self, runner: TrainingRunner) -> None:
        self.count_batches(len(runner.val_loop.dataloader))

    def before_test(self, runner: TrainingRunner) -> None:
        self.count_batches(len(runner.test_loop.dataloader))

    def count_batches(self, total: int) -> None:
        self.count = Count("evaluating: batch", total)

    def after_val_iter(self, runner: TrainingRunner, *_: Any, **__: Any) -> None:
        if is_main_process() and self.count:
            self.count.advance()

    after_test_iter = after_val_iter

    def after_val(self, runner: TrainingRunner) -> None:
        self.pace.restart()

    def line(self, runner: TrainingRunner, data_batch: Any) -> str:
        """All that is known beside the iteration."""
        return ", ".join(filter(None, [*self.measured(runner, data_batch), self.left(runner)]))

    def measured(self, runner: TrainingRunner, data_batch: Any) -> list[str]:
        """Loss, speed and memory, for people."""
        shown = [_losses(runner)]
        if seconds := self.pace.seconds:
            images = len(data_batch["inputs"]) * get_world_size()
            shown.append(f"{images / seconds:.1f} images/s")
        if torch.cuda.is_available():
            device = torch.cuda.current_device()
            used = torch.cuda.max_memory_reserved(device)
            total = torch.cuda.get_device_properties(device).total_memory
            shown.append(f"{used / GIB:.1f} of {total / GIB:.1f} GiB on the GPU")
        return shown

    def left(self, runner: TrainingRunner) -> str:
        """The time that the rest of training takes, without evaluations; empty while unknown."""
        if self.pace.seconds is None:
            return ""
        iterations = runner.max_iters - runner.iter - 1
        return f"about {duration(iterations * self.pace.seconds)} left"


class _Bar(Progress):
    """A bar with the time left, and a line below it.

    Args:
        console: Where it is drawn.

    Attributes:
        detail: The line below.
    """

    def __init__(self, console: Console) -> None:
        self.detail = ""
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            expand=True,
        )

    def add_task(self, description: str, *args: Any, **fields: Any) -> Any:
        return super().add_task(description, *args, **{"left": "", **fields})

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(self.detail, no_wrap=True, overflow="ellipsis")


def _losses(runner: TrainingRunner) -> str:
    """The loss of the last iteration, and its parts."""
    values = step_losses(runner)
    parts = [f"{name[5:]} {value:.3f}" for name, value in values.items() if name != "loss"]
    return f"loss {values['loss']:.3f} ({', '.join(parts)})"
