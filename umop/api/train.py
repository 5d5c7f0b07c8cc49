"""Trains from Python."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from umop.api.arguments import paths, plain_argument, require_kinds
from umop.api.run import Run
from umop.distributed.signals import Interrupts
from umop.training.options import TIMEOUT, Device, MixedPrecision, TrainOptions
from umop.training.start import start_training

if TYPE_CHECKING:
    from mmengine.hooks import Hook

    from serving.shared import AnyPath, Tiles

_OnStep = Callable[[int, dict[str, float]], object]
_OnEvaluation = Callable[[int, dict[str, float]], object]
_CALLBACKS = ("on_step", "on_evaluation")


def train(
    config: AnyPath | None = None,
    *,
    data: AnyPath | Sequence[AnyPath] | None = None,
    name: str | None = None,
    epochs: int | None = None,
    batch: int | Literal["auto"] | None = None,
    accumulate: int = 1,
    lr: float | None = None,
    size: int | None = None,
    tiles: Tiles | None = None,
    time: str | None = None,
    patience: int | None = None,
    weights: AnyPath | None = None,
    seed: int | None = None,
    set: Mapping[str, object] | None = None,
    device: Device = "auto",
    processes: int | None = None,
    amp: MixedPrecision = "auto",
    dry_run: bool = False,
    mirror: str | None = None,
    timeout: float = TIMEOUT,
    on_step: _OnStep | None = None,
    on_evaluation: _OnEvaluation | None = None,
) -> Run:
    """Trains a model; the same call resumes an interrupted run, and leaves a finished one.

    Ctrl-C, or a notebook's interrupt, finishes the step and saves; a second one does not.

    Args:
        config: A config's name, such as ``demo``, or a file; ``small`` by default, with ``data``.
        data: Folder or zip of the data set, in place of the config's own; several are joined.
        name: Name of the run; by default the config's.
        epochs: Passes over the images; by default by their number.
        batch: Images a step, over all processes; ``auto`` for as many as the GPU holds.
        accumulate: Parts that a step is computed in, to need less memory.
        lr: Learning rate, not scaled by the batch.
        size: Pixels of the longer side that images are scaled to.
        tiles: ``"auto"`` cuts large images with small boxes into windows, ``"off"`` none, a number
            all into windows of so many pixels; as the config says if None.
        time: Finish within a time, such as ``30m`` or ``2h``.
        patience: Evaluations without a better AP after which training ends.
        weights: Start from a run, a checkpoint file (.pth), ``coco`` or ``imagenet``.
        seed: Seed, in place of the config's.
        set: Changes of the config, such as ``{"optim_wrapper.optimizer.lr": 0.001}``.
        device: ``auto`` for the GPUs; ``cpu`` for the processor, as long as this program runs.
        processes: How many train together; by default one for each GPU. One trains in this
            program, more in processes of their own.
        amp: Mixed precision; ``auto`` is the config's choice, in bf16 if it can be.
        dry_run: Try everything in two steps, and keep nothing: the run that is returned is empty.
        mirror: Keep the run in object storage, too, such as ``s3://bucket/runs``, and resume from
            there.
        timeout: Seconds that processes wait for one that makes no step.
        on_step: Is called behind each step with the iteration, counted from 1, and its losses:
            ``loss`` and the parts of it. For one process only.
        on_evaluation: Is called behind each evaluation with the iteration and its metrics: ``AP``,
            ``AP50`` and so on. For one process only.

    Returns:
        The run, trained to its end.

    Raises:
        UserError: Something that the user can put right; the message is one line.
        FetchError: Storage does not answer; the same call may succeed later.
        Stopped: Training was interrupted, and is saved. It is a KeyboardInterrupt.
        TrainingError: The loss is not finite, or one of several processes is gone.
    """
    asked = {argument: plain_argument(argument, value) for argument, value in locals().items()}
    require_kinds(**{**asked, "data": None})
    read: dict[str, Any] = {
        "config": None if config is None else os.fspath(asked["config"]),
        "data": paths(data=asked["data"]),
        "weights": None if weights is None else os.fspath(asked["weights"]),
        "set": tuple(f"{key}={written(value)}" for key, value in (set or {}).items()),
    }
    others = {name: value for name, value in asked.items() if name not in _CALLBACKS}
    options = TrainOptions(**{**others, **read}, command=_call(asked))
    hooks = _callback_hooks(on_step, on_evaluation)
    with Interrupts().handled() as stop:
        start_training(options, stop, hooks)
    return Run(options.run.folder)


def _callback_hooks(
    on_step: _OnStep | None, on_evaluation: _OnEvaluation | None
) -> Callable[[], Sequence[Hook]]:
    """Returns what makes the hook that calls functions of the caller's; no hook without any."""
    out = sys.stdout

    def make() -> Sequence[Hook]:
        from umop.engine.hooks.callbacks import CallbackHook

        return [CallbackHook(on_step, on_evaluation, out)]

    return make if on_step or on_evaluation else list


def _call(asked: Mapping[str, object]) -> str:
    """The call of :func:`train` that has some arguments, without those that are as by default."""
    parameters = inspect.signature(train).parameters
    given = {
        name: asked[name] for name in parameters if asked[name] is not parameters[name].default
    }
    texts = [f"{name}={written(value)}" for name, value in given.items()]
    return f"umop.train({', '.join(texts)})"


def written(value: object) -> str:
    """An argument as it is written in a program."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {written(part)}' for key, part in value.items())}}}"
    if isinstance(value, tuple):
        comma = "," if len(value) == 1 else ""
        return f"({', '.join(map(written, value))}{comma})"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if callable(value):
        return str(getattr(value, "__name__", value))
    if hasattr(value, "item") and not getattr(value, "shape", None):
        value = value.item()  # a scalar of NumPy or torch
    return repr(os.fspath(value) if isinstance(value, os.PathLike) else value)
