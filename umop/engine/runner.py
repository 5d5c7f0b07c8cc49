"""mmengine's runner, quiet on the console, that can be stopped and resumed exactly."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any, cast

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner as MMRunner
from mmengine.visualization import Visualizer
from torch.utils.data import DataLoader

from umop.config.building import explained
from umop.distributed.ranks import SingleProcess
from umop.distributed.signals import StopSignals, ended_loaders, follow_parent
from umop.distributed.sockets import share_sockets
from umop.engine.checkpoints import SafeCheckpointHook
from umop.engine.loop import RESUMABLE
from umop.engine.rescale import rescale
from umop.models.group_norm import lay_out_planes
from umop.runs.folder import RunFolder
from umop.system.errors import Stopped, UserError
from umop.system.files import replace_text


class Runner(MMRunner):
    """Runs training and evaluation as a config says.

    The log file in the run folder has all that mmengine logs; the console shows warnings and
    errors, and what the hooks show. ``channels_last = True`` in a config lays tensors out
    channels last, which is faster on CPUs and on GPUs with tensor cores.

    Attributes:
        ranks: The processes that train together.
        stop: Whether training was asked to stop.
        is_built: Whether everything that the config describes is built.
    """

    ranks = SingleProcess()
    stop = StopSignals()
    is_built = False

    @classmethod
    def from_cfg(cls, cfg: Any) -> Runner:
        """Builds a runner, and the model.

        Raises:
            UserError: The config has something that cannot be built.
        """
        try:
            return cast(Runner, super().from_cfg(cfg))
        except Exception as error:
            with contextlib.suppress(RuntimeError):  # there may be none yet
                Visualizer.get_current_instance().close()
            raise explained(error) from error

    @property
    def resumes(self) -> bool:
        """Whether training resumes from a checkpoint of the same run."""
        return bool(self._resume)

    @property
    def checkpoints(self) -> SafeCheckpointHook:
        """What saves checkpoints.

        Raises:
            UserError: The config has another hook in its place.
        """
        for hook in self.hooks:
            if isinstance(hook, SafeCheckpointHook):
                return hook
        raise UserError(
            "default_hooks.checkpoint must be of type SafeCheckpointHook: what other hooks save "
            "cannot be resumed exactly."
        )

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                handler.setLevel(logging.WARNING)
        return logger

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """Logs neither config nor machine: ``config.py`` and ``provenance.json`` have them."""

    def build_model(self, model: Any) -> torch.nn.Module:
        built = super().build_model(model)
        if self.cfg.get("channels_last", False):
            built = built.to(memory_format=torch.channels_last)
            lay_out_planes(built)
        return built

    @staticmethod
    def build_dataloader(*args: Any, **kwargs: Any) -> DataLoader[Any]:
        loader: DataLoader[Any] = MMRunner.build_dataloader(*args, **kwargs)
        if loader.num_workers:
            share_sockets()
        loader.worker_init_fn = follow_parent
        return loader

    def build_train_loop(self, loop: Any) -> Any:
        kind = loop.get("type")
        if kind not in RESUMABLE:
            raise UserError(f"train_cfg.type must be one of {', '.join(RESUMABLE)}, not {kind}.")
        return super().build_train_loop({**loop, "type": RESUMABLE[kind]})

    @master_only
    def dump_config(self) -> None:
        """Writes ``config.py``, unless the run that is continued has it."""
        path = RunFolder(Path(self.work_dir)).config
        if not path.exists():
            replace_text(path, self.cfg.pretty_text)

    def resume(self, *args: Any, **kwargs: Any) -> None:
        super().resume(*args, **kwargs)
        rescale(self, self.checkpoints.resumed)

    def train(self) -> torch.nn.Module:
        """Trains, until the end or until a signal comes.

        Raises:
            Stopped: A signal came; where training was is saved.
            UserError: The config has something that cannot be built.
        """
        self.register_hook(_StopHook(), priority="LOWEST")
        with ended_loaders():
            try:
                return super().train()
            except BaseException as error:
                self.call_hook("after_run")  # it also ends progress bars and loggers
                if isinstance(error, Exception) and not self.is_built:
                    raise explained(error) from error
                raise

    def test(self) -> dict[str, float]:
        """Detects in the test data; returns the metrics."""
        with ended_loaders():
            metrics: dict[str, float] = super().test()
            return metrics


class _StopHook(Hook):
    """Ends training after a step, once it was asked to in any rank."""

    def before_run(self, runner: Runner) -> None:
        runner.is_built = True

    def before_train(self, runner: Runner) -> None:
        runner.checkpoints  # noqa: B018
        runner.ranks.step(runner.iter)
        runner.stop.check()
        runner.stop.deferring = True

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        done = runner.iter + 1
        runner.ranks.step(done)
        if runner.ranks.any(runner.stop.asked) and runner.optim_wrapper.should_update():
            runner.ranks.on_first(lambda: runner.checkpoints.save(runner, runner.epoch, done))
            runner.stop.ending = True
            raise Stopped

    def after_val_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        runner.ranks.step(runner.iter)
        runner.ranks.check_stopped()

    def after_train(self, runner: Runner) -> None:
        runner.ranks.rest()
