"""mmengine's training loops, resuming exactly where a checkpoint was saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.dist import broadcast, get_rank, get_world_size
from mmengine.hooks import EMAHook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from umop.engine.order import ResumableBatches, resumable
from umop.engine.protocol import TrainingRunner
from umop.engine.randomness import seed_step


class EpochLoop(EpochBasedTrainLoop):
    """Epoch-based training that can start in the middle of an epoch."""

    dataloader: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batches = ResumableBatches(self.dataloader.batch_sampler, False, _last_part(self))
        self.dataloader = resumable(self.dataloader, self.batches, self.runner.seed)

    def run(self) -> torch.nn.Module:
        self.runner.call_hook("before_train")
        self.evaluate_if_due()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self.evaluate_if_due()
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Runs what is left of an epoch, which may be no batch at all."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        done = self._iter - self._epoch * len(self.batches)
        self.batches.start_at(self._epoch, done)
        for index, batch in enumerate(self.dataloader, done):
            self.run_iter(index, batch)
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Any) -> None:
        seed_step(self.runner.seed, self._iter, get_rank())
        super().run_iter(idx, data_batch)

    def evaluate_if_due(self) -> None:
        """Evaluates, unless that was done before the checkpoint that the run resumes from."""
        self._decide_current_val_interval()
        epoch = self._epoch
        at_its_end = self._iter == epoch * len(self.batches)
        on_schedule = epoch >= self.val_begin and epoch % self.val_interval == 0
        if epoch > 0 and at_its_end and (on_schedule or epoch == self._max_epochs):
            _evaluate_once(self.runner)


class _IterLoop(IterBasedTrainLoop):
    """Iteration-based training that can start at any iteration."""

    dataloader: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batches = ResumableBatches(self.dataloader.batch_sampler, True, _last_part(self))
        self.dataloader = resumable(self.dataloader, self.batches, self.runner.seed)

    def run(self) -> torch.nn.Module:
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        self.evaluate_if_due()
        self.batches.start_at(0, self._iter)
        loaded = iter(self.dataloader)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(loaded))
            self.evaluate_if_due()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_iter(self, data_batch: Any) -> None:
        seed_step(self.runner.seed, self._iter, get_rank())
        super().run_iter(data_batch)

    def evaluate_if_due(self) -> None:
        """Evaluates, unless that was done before the checkpoint that the run resumes from."""
        self._decide_current_val_interval()
        done = self._iter
        on_schedule = done >= self.val_begin and done % self.val_interval == 0
        if done > 0 and (on_schedule or done == self._max_iters):
            _evaluate_once(self.runner)


RESUMABLE = {"EpochBasedTrainLoop": EpochLoop, "IterBasedTrainLoop": _IterLoop}
"""What stands in for mmengine's loops, by the name in the config."""


def _last_part(loop: EpochLoop | _IterLoop) -> Callable[[int], bool]:
    """Says of an iteration whether the data set's last part of training has it."""
    share = getattr(loop.dataloader.dataset, "last_share", 0.0)
    return lambda iteration: iteration >= round(loop.max_iters * (1 - share))


def _evaluate_once(runner: TrainingRunner) -> None:
    """Evaluates after an iteration, unless the run did so already."""
    hub = runner.message_hub
    if runner.val_loop is None or hub.runtime_info.get("evaluated") == runner.iter:
        return
    runner.checkpoints.save_before_evaluation(runner)
    averages = [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
    for model in (runner.model, *averages):
        _share_buffers(model)
    with runner.stop.at_once():
        runner.val_loop.run()
    hub.update_info("evaluated", runner.iter)


def _share_buffers(model: torch.nn.Module) -> None:
    """Gives every rank the first one's buffers, such as the statistics of batch normalisation.

    So the ranks evaluate one model, the one that is saved.
    """
    if get_world_size() > 1:
        for buffer in model.buffers():
            broadcast(buffer)
