"""Saves where training is, when it is due and when it was asked to stop."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.registry import HOOKS

from umop.engine.protocol import TrainingRunner
from umop.engine.rescale import Shares
from umop.runs.checkpoints import remove_all_but, write_checkpoint
from umop.runs.folder import BEST, RunFolder
from umop.system.errors import TrainingError, UserError
from umop.system.files import replace_text


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Keeps the newest checkpoints and the best, each written whole or not at all.

    A checkpoint is saved on schedule, before each evaluation, and when ``minutes`` have passed
    since the last one. Where that is in the middle of a step, whose gradients no checkpoint has, it
    is saved at the step's end.

    Args:
        interval: Epochs or iterations from one checkpoint to the next.
        by_epoch: Whether ``interval`` counts epochs.
        minutes: Most minutes between two checkpoints.
        keep: How many of the newest are kept.
        best: The metric whose best value so far has a checkpoint of its own, ``best.pth``.
    """

    priority = "VERY_LOW"

    def __init__(
        self,
        interval: int = 1,
        by_epoch: bool = True,
        minutes: float = 10.0,
        keep: int = 2,
        best: str = "AP",
    ) -> None:
        self.interval = interval
        self.by_epoch = by_epoch
        self.seconds = 60.0 * minutes
        self.keep = keep
        self.best = best
        self.is_due = False
        self.saved_iteration = -1
        self.best_iteration = -1
        self.saved_time = time.monotonic()
        self.finished = False
        self.resumed: Shares

    def before_train(self, runner: TrainingRunner) -> None:
        self.saved_iteration = runner.iter
        self.saved_time = time.monotonic()

    def after_train_iter(
        self, runner: TrainingRunner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self.is_due |= time.monotonic() - self.saved_time >= self.seconds
        if not self.by_epoch:
            self.is_due |= self.every_n_train_iters(runner, self.interval)
        if self.is_due and runner.optim_wrapper.should_update():
            self.save(runner, runner.epoch, runner.iter + 1)

    def after_train_epoch(self, runner: TrainingRunner) -> None:
        if self.by_epoch and self.every_n_epochs(runner, self.interval):
            self.save_between_steps(runner, runner.epoch + 1)

    def after_val_epoch(
        self, runner: TrainingRunner, metrics: dict[str, float] | None = None
    ) -> None:
        value = (metrics or {}).get(self.best, -1.0)
        if value <= runner.message_hub.runtime_info.get("best_score", -1.0):
            return
        runner.message_hub.update_info("best_score", value)
        self.best_iteration = runner.iter
        self.write(runner, BEST, runner.epoch, runner.iter, save_optimizer=False)

    def after_train(self, runner: TrainingRunner) -> None:
        self.finished = True
        self.save(runner, runner.epoch, runner.iter)

    def save_before_evaluation(self, runner: TrainingRunner) -> None:
        """Saves unless this iteration is saved: nothing is lost where evaluation is cut short."""
        if self.saved_iteration != runner.iter:
            self.save_between_steps(runner, runner.epoch)

    def save_between_steps(self, runner: TrainingRunner, epoch: int) -> None:
        """Saves now, or at the end of a step that has begun.

        Args:
            runner: What trains.
            epoch: Epochs done.
        """
        if runner.optim_wrapper.should_update():
            self.save(runner, epoch, runner.iter)
        else:
            self.is_due = True

    def save(self, runner: TrainingRunner, epoch: int, iteration: int) -> None:
        """Saves a checkpoint that training can resume from.

        Args:
            runner: What trains.
            epoch: Epochs done.
            iteration: Iterations done.
        """
        self.is_due = False
        self.saved_iteration = iteration
        self.saved_time = time.monotonic()
        if not is_main_process():
            return
        at_epochs_end = self.by_epoch and iteration == epoch * len(runner.train_dataloader)
        name = f"epoch_{epoch}.pth" if at_epochs_end else f"iter_{iteration}.pth"
        self.write(runner, name, epoch, iteration)
        run = RunFolder(Path(runner.work_dir))
        replace_text(run.pointer, f"{name}\n")
        remove_all_but(run, self.keep)

    def write(
        self,
        runner: TrainingRunner,
        name: str,
        epoch: int,
        iteration: int,
        save_optimizer: bool = True,
    ) -> None:
        """Writes a checkpoint file.

        Args:
            runner: What trains.
            name: The file's name in the run's folder.
            epoch: Epochs done.
            iteration: Iterations done.
            save_optimizer: Whether to add the optimizer and the schedulers, which resuming needs.

        Raises:
            TrainingError: The weights are not finite.
        """
        if not is_main_process():
            return
        if not all(bool(weights.isfinite().all()) for weights in runner.model.parameters()):
            raise TrainingError(
                f"The weights are not finite at iteration {iteration}. The newest checkpoint is "
                "from before; a lower learning rate may help."
            )
        with runner.stop.later():
            write_checkpoint(
                Path(runner.work_dir) / name,
                lambda path: runner.save_checkpoint(
                    str(path.parent),
                    path.name,
                    save_optimizer=save_optimizer,
                    save_param_scheduler=save_optimizer,
                    meta={"epoch": epoch, "iter": iteration},
                    by_epoch=False,
                ),
            )

    def before_save_checkpoint(self, runner: TrainingRunner, checkpoint: dict[str, Any]) -> None:
        checkpoint["training"] = {
            "finished": self.finished,
            "shares": (runner.world_size, len(runner.train_dataloader)),
            "metrics_bytes": _written_bytes(RunFolder(Path(runner.work_dir)).metrics_file),
            "early_stopping": [_state_of(hook) for hook in _early_stopping(runner)],
        }

    def after_load_checkpoint(self, runner: TrainingRunner, checkpoint: dict[str, Any]) -> None:
        """Puts back what is outside the weights, and drops metrics from after the checkpoint."""
        if not runner.resumes:
            return
        state = checkpoint["training"]
        self.resumed = Shares(*state["shares"])
        for hook, values in zip(_early_stopping(runner), state["early_stopping"], strict=True):
            vars(hook).update(values)
        metrics = RunFolder(Path(runner.work_dir)).metrics_file
        if is_main_process() and metrics.is_file():
            os.truncate(metrics, min(state["metrics_bytes"], metrics.stat().st_size))


def _written_bytes(path: Path) -> int:
    """The size of a file, once it is on the disk; 0 before it is there."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path.stat().st_size


def _early_stopping(runner: TrainingRunner) -> list[EarlyStoppingHook]:
    return [hook for hook in runner.hooks if isinstance(hook, EarlyStoppingHook)]


def _state_of(hook: EarlyStoppingHook) -> dict[str, Any]:
    """What mmengine's hook counts, and keeps in no checkpoint itself."""
    return {"best_score": hook.best_score, "wait_count": hook.wait_count}


@dataclass(frozen=True)
class Reached:
    """How far a run has come.

    Attributes:
        iteration: Iterations done.
        is_finished: Whether training has ended.
    """

    iteration: int = 0
    is_finished: bool = False


def reached_by(checkpoint: Path) -> Reached:
    """Reads from a checkpoint how far its run has come.

    Raises:
        UserError: It has no state to resume from, such as an imported one.
    """
    content = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=False)
    if "training" not in content:
        run = checkpoint.parent
        raise UserError(
            f"{run} holds {checkpoint.name}, which training cannot resume from. To start from its "
            f"weights, give the new run another name: --run NAME --weights {run.name}"
        )
    return Reached(content["meta"]["iter"], content["training"].get("finished", False))
