"""How long training takes, and how its schedule follows.

Configs are read and changed as nested mappings, in place; nothing here needs torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from umop.system.errors import UserError
from umop.training.schedulers import fit_schedulers, stretch_scheduler, stretch_schedulers

_Section = MutableMapping[str, Any]
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_EVALUATED_EVERY = {"max_epochs": 1, "max_iters": 1000}
"""What mmengine's loops take without a ``val_interval``, by what they count."""


@dataclass(frozen=True)
class ScheduleOptions:
    """What a user asks of a schedule; None leaves it to the config.

    Attributes:
        epochs: Passes over the training images.
        batch: Images a step, over all processes.
        accumulate: Parts that a step is computed in, one after the other.
        lr: The learning rate, exactly.
        time: Seconds that training may take, its evaluations included.
        patience: Evaluations without a better AP after which training ends.
    """

    epochs: int | None = None
    batch: int | None = None
    accumulate: int = 1
    lr: float | None = None
    time: float | None = None
    patience: int | None = None


def parse_duration(text: str) -> float:
    """The seconds of a duration such as ``90s``, ``30m``, ``1h30m`` or ``2d``.

    Raises:
        UserError: It is something else, or nothing.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(map("".join, parts)) != text or not 0 < seconds < math.inf:
        raise UserError(f"'{text}' is not a valid time. Write it as in --time 30m, 1h30m or 90s.")
    return seconds


def fit(config: _Section, options: ScheduleOptions, images: int, processes: int) -> None:
    """Fits a config's schedule to the options, and to the data.

    Args:
        config: Changed in place.
        options: What the user asks for.
        images: How many there are to train on.
        processes: How many train together.

    Raises:
        UserError: An option is not possible.
    """
    _divide_batch(config, options, images, processes)
    if options.lr is not None:
        config["optim_wrapper"]["optimizer"]["lr"] = options.lr
        config["auto_scale_lr"] = None
    _stretch(config, _length(config, options, images, processes))
    fit_schedulers(config, count_iterations(config, images, processes), options.accumulate)
    hooks = config.setdefault("custom_hooks", [])
    if options.time is not None:
        if "max_epochs" in config["train_cfg"]:
            _in_iterations(config, epoch_length(config, images, processes))
        hooks.append({"type": "TimeBudgetHook", "seconds": options.time})
    parts = _evaluate_after_steps(config)
    if options.patience is not None:
        _evaluate_often(config["train_cfg"], options.patience, parts)
        hooks.append({"type": "PatienceHook", "patience": options.patience})


def _evaluate_after_steps(config: _Section) -> int:
    """Evaluates after whole steps, whose checkpoint training can resume from.

    Returns:
        The iterations that make a step; 1 where the config counts epochs, which may end within one.
    """
    loop = config["train_cfg"]
    if "max_epochs" in loop:
        return 1
    parts = int(config["optim_wrapper"].get("accumulative_counts") or 1)
    loop["val_interval"] = math.ceil(loop["val_interval"] / parts) * parts
    return parts


def _evaluate_often(loop: _Section, patience: int, parts: int) -> None:
    """Evaluates so often that patience can run out halfway through training.

    Args:
        loop: The training loop's section, changed in place.
        patience: Evaluations without a better AP after which training ends.
        parts: What evaluations must be a multiple of apart.

    Raises:
        UserError: Training has not as many steps, or epochs, to evaluate after.
    """
    length = (loop.get("max_epochs") or loop["max_iters"]) // parts
    often = max(1, length // (2 * patience)) * parts
    loop["val_interval"] = min(loop["val_interval"], often)
    if length <= patience:
        raise UserError(
            f"--patience {patience} cannot end training early that is evaluated {length} times. "
            "Take a smaller one, or more --epochs."
        )


def _divide_batch(config: _Section, options: ScheduleOptions, images: int, processes: int) -> None:
    """Divides a step's images over processes and parts.

    The loss of a step is the mean of its parts' losses, and learning rates that follow the batch
    follow the images of all parts. Where a config counts epochs, a step holds no more images than
    there are.

    Raises:
        UserError: They cannot be divided.
    """
    parts = processes * options.accumulate
    loader = config["train_dataloader"]
    batch = options.batch or loader["batch_size"] * processes
    if batch % parts:
        raise UserError(
            f"A batch of {batch} images cannot be divided into {processes} × "
            f"{options.accumulate} parts (processes × --accumulate). Take a multiple of {parts}."
        )
    if "max_epochs" in config["train_cfg"]:
        batch = min(batch, math.ceil(images / parts) * parts)
    loader["batch_size"] = batch // parts
    if options.accumulate > 1:
        config["optim_wrapper"]["accumulative_counts"] = options.accumulate
        if scaling := config.get("auto_scale_lr"):
            scaling["base_batch_size"] /= options.accumulate


def _length(config: _Section, options: ScheduleOptions, images: int, processes: int) -> int:
    """How many iterations, or epochs where the config counts those, training is to make.

    Args:
        config: Its batch is that of a process and part.
        options: What the user asks for.
        images: How many there are to train on.
        processes: How many train together.
    """
    loop = config["train_cfg"]
    auto = config.get("auto_schedule", None)
    batch = config["train_dataloader"]["batch_size"] * processes * options.accumulate
    if "max_epochs" in loop:
        epochs = int(options.epochs or loop["max_epochs"])
        if options.epochs is None and auto and epochs == auto["base_epochs"]:
            steps = epoch_length(config, images, processes) / options.accumulate
            epochs = _epochs(auto, steps)
        return epochs
    updates = int(loop["max_iters"])
    if options.epochs is not None:
        updates = math.ceil(options.epochs * images / batch)
    elif auto and updates == auto["base_iters"]:
        updates = _updates(auto, images, batch)
    return updates * options.accumulate


def _epochs(auto: _Section, steps: float) -> int:
    """The epochs that a config's ``auto_schedule`` makes, of so many steps each."""
    wanted = max(math.ceil(auto["epochs"]), math.ceil(auto["min_iters"] / steps))
    return min(wanted, max(1, int(auto["max_iters"] / steps)))


def _updates(auto: _Section, images: int, batch: int) -> int:
    """The steps that a config's ``auto_schedule`` makes, of ``batch`` images each."""
    wanted = math.ceil(auto["epochs"] * images / batch)
    return int(min(max(wanted, auto["min_iters"]), auto["max_iters"]))


def _stretch(config: _Section, length: int) -> None:
    """Makes training longer or shorter, with everything that happens at a share of it.

    Args:
        config: Changed in place.
        length: Iterations, or epochs where the config counts those.
    """
    loop = config["train_cfg"]
    unit = "max_epochs" if "max_epochs" in loop else "max_iters"
    if loop.get("val_interval") is None:
        loop["val_interval"] = _EVALUATED_EVERY[unit]
    factor = length / loop[unit]
    if factor == 1:
        return
    loop[unit] = length
    loop["val_interval"] = _at_least(loop["val_interval"], factor)
    checkpoint = (config.get("default_hooks") or {}).get("checkpoint") or {}
    if unit == "max_iters" and "interval" in checkpoint:
        checkpoint["interval"] = _at_least(checkpoint["interval"], factor)
    stretch_schedulers(config, factor)


def _at_least(interval: int, factor: float) -> int:
    """An interval times a factor, rounded up: a shorter one would fit once more, before the end."""
    return max(1, math.ceil(round(interval * factor, 6)))


def count_iterations(config: _Section, images: int, processes: int) -> int:
    """How many iterations training makes: steps, times the parts of a step.

    Args:
        config: Its batch is that of a process and part, as :func:`fit` leaves it.
        images: How many there are to train on.
        processes: How many train together.
    """
    loop = config["train_cfg"]
    if "max_iters" in loop:
        return int(loop["max_iters"])
    return int(loop["max_epochs"]) * epoch_length(config, images, processes)


def epoch_length(config: _Section, images: int, processes: int) -> int:
    """How many iterations an epoch has.

    Args:
        config: Its batch is that of a process and part, as :func:`fit` leaves it.
        images: How many there are to train on.
        processes: How many train together.
    """
    return math.ceil(images / (config["train_dataloader"]["batch_size"] * processes))


def _in_iterations(config: _Section, epoch: int) -> None:
    """Makes a config that counts epochs count iterations, which can be cut anywhere.

    Args:
        config: Changed in place.
        epoch: Iterations of an epoch.
    """
    loop = config["train_cfg"]
    config["train_cfg"] = {
        "type": "IterBasedTrainLoop",
        "max_iters": loop["max_epochs"] * epoch,
        "val_interval": loop["val_interval"] * epoch,
    }
    for scheduler in config.get("param_scheduler") or []:
        if scheduler.get("by_epoch", True):
            scheduler["by_epoch"] = False
            scheduler.pop("convert_to_iter_based", None)
            stretch_scheduler(scheduler, epoch)
    checkpoint = config["default_hooks"]["checkpoint"]
    checkpoint.update(by_epoch=False, interval=checkpoint.get("interval", 1) * epoch)
    config["log_processor"]["by_epoch"] = False
