"""What hooks and loops may ask of the runner: mmengine's part that we use, and what we add."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from torch.utils.data import DataLoader

if TYPE_CHECKING:
    from umop.distributed.ranks import SingleProcess
    from umop.distributed.signals import StopSignals
    from umop.engine.checkpoints import SafeCheckpointHook


class TrainingRunner(Protocol):
    """The runner while it trains or evaluates; :class:`umop.engine.runner.Runner` is one.

    Attributes:
        ranks: The processes that train together.
        stop: Whether training was asked to stop.
        is_built: Whether everything that the config describes is built.
        cfg: The config.
        model: In evaluation and training alike, wrapped where several ranks train.
        work_dir: The run's folder.
        seed: Of the run.
        world_size: How many ranks there are.
        epoch: Epochs done.
        iter: Iterations done.
        max_iters: Iterations in all.
        message_hub: Scalars and state that mmengine's parts share; checkpoints keep it.
        optim_wrapper: The optimizer, with mixed precision and accumulation.
        param_schedulers: mmengine's schedulers.
        log_processor: mmengine's; it averages scalars.
        auto_scale_lr: How the config scales learning rates by the batch.
        train_loop: The training loop.
        val_loop: The loop that evaluates during training.
        test_loop: The loop that evaluates.
        train_dataloader: Gives batches to train on.
        val_evaluator: What measures during training.
        test_evaluator: What measures.
        save_checkpoint: Writes a file.
        register_hook: Adds a hook.
        call_hook: Calls a point of all hooks.
    """

    ranks: SingleProcess
    stop: StopSignals
    is_built: bool
    cfg: Config
    model: torch.nn.Module
    work_dir: str
    optim_wrapper: Any
    param_schedulers: Any
    log_processor: Any
    message_hub: MessageHub
    auto_scale_lr: Any
    save_checkpoint: Callable[..., None]
    register_hook: Callable[..., None]
    call_hook: Callable[..., None]

    @property
    def resumes(self) -> bool:
        """Whether training resumes from a checkpoint of the same run."""

    @property
    def checkpoints(self) -> SafeCheckpointHook:
        """What saves checkpoints."""

    @property
    def hooks(self) -> list[Any]: ...

    @property
    def seed(self) -> int: ...

    @property
    def world_size(self) -> int: ...

    @property
    def epoch(self) -> int: ...

    @property
    def iter(self) -> int: ...

    @property
    def max_iters(self) -> int: ...

    @property
    def train_loop(self) -> Any: ...

    @property
    def val_loop(self) -> Any: ...

    @property
    def test_loop(self) -> Any: ...

    @property
    def train_dataloader(self) -> DataLoader[Any]: ...

    @property
    def val_evaluator(self) -> Any: ...

    @property
    def test_evaluator(self) -> Any: ...
