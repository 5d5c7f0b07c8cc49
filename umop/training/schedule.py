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

_Section = MutableMapping[str, Any]
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_WARM_UP = 0.1
"""The share of training that the warm-up takes at most."""
_SHORTEST = 2
"""A warm-up of one step would never leave its first learning rate."""


@dataclass(frozen=True)
class ScheduleOptions:
    """What a user asks of a schedule; None leaves it to the config.

    Attributes:
        epochs: Passes over the training images.
        batch: Images a step, over all processes.
        accumulate: Parts that a step is computed in, one after the other.
        lr: The learning rate, exactly.
        size: Pixels of the longer side that images are scaled to.
        time: Seconds that training may take, its evaluations included.
        patience: Evaluations without a better AP after which training ends.
    """

    epochs: int | None = None
    batch: int | None = None
    accumulate: int = 1
    lr: float | None = None
    size: int | None = None
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
    _fit_warm_up(config, count_iterations(config, images, processes), options.accumulate)
    hooks = config.setdefault("custom_hooks", [])
    if options.time is not None:
        if "max_epochs" in config["train_cfg"]:
            _count_iterations(config, epoch_length(config, images, processes))
        hooks.append({"type": "TimeBudgetHook", "seconds": options.time})
    if options.patience is not None:
        _evaluate_often(config["train_cfg"], options.patience)
        hooks.append({"type": "PatienceHook", "patience": options.patience})


def _evaluate_often(loop: _Section, patience: int) -> None:
    """Evaluates so often that patience can run out halfway through training.

    Args:
        loop: The training loop's section, changed in place.
        patience: Evaluations without a better AP after which training ends.

    Raises:
        UserError: Training has not as many epochs to evaluate after.
    """
    length = loop.get("max_epochs") or loop["max_iters"]
    loop["val_interval"] = max(1, min(loop["val_interval"], length // (2 * patience)))
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
    factor = length / loop[unit]
    if factor == 1:
        return
    loop[unit] = length
    loop["val_interval"] = _at_least(loop["val_interval"], factor)
    checkpoint = (config.get("default_hooks") or {}).get("checkpoint") or {}
    if unit == "max_iters" and "interval" in checkpoint:
        checkpoint["interval"] = _at_least(checkpoint["interval"], factor)
    for scheduler in config.get("param_scheduler") or []:
        if scheduler.get("by_epoch", True) == (unit == "max_epochs"):
            _stretch_scheduler(scheduler, factor)


def _stretch_scheduler(scheduler: _Section, factor: float) -> None:
    """Makes the part of training that one scheduler covers longer or shorter."""
    for key in ("begin", "end", "T_max"):
        if scheduler.get(key):
            scheduler[key] = max(_SHORTEST, _times(scheduler[key], factor))
    if scheduler.get("begin") and scheduler.get("end"):
        scheduler["begin"] = min(scheduler["begin"], scheduler["end"] - 1)
    if "milestones" in scheduler:
        scheduler["milestones"] = [_times(one, factor) for one in scheduler["milestones"]]


def _times(count: int, factor: float) -> int:
    """A count times a factor, 1 or more."""
    return max(1, round(count * factor))


def _at_least(interval: int, factor: float) -> int:
    """An interval times a factor, rounded up: a shorter one would fit once more, before the end."""
    return max(1, math.ceil(round(interval * factor, 6)))


def _fit_warm_up(config: _Section, iterations: int, accumulate: int) -> None:
    """Ends the warm-up of a config that counts epochs after a tenth of training, if not before."""
    if "max_epochs" not in config["train_cfg"]:
        return
    for scheduler in config.get("param_scheduler") or []:
        if not scheduler.get("by_epoch", True) and scheduler.get("begin", 0) == 0:
            longest = max(_SHORTEST, _times(iterations, _WARM_UP))
            scheduler["end"] = min(scheduler["end"] * accumulate, longest)


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


def _count_iterations(config: _Section, epoch: int) -> None:
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
            _stretch_scheduler(scheduler, epoch)
    checkpoint = config["default_hooks"]["checkpoint"]
    checkpoint.update(by_epoch=False, interval=checkpoint.get("interval", 1) * epoch)
    config["log_processor"]["by_epoch"] = False
