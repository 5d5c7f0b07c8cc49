"""The schedulers of a config's learning rate, fitted to the length of training.

Their sections are changed in place; nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

_Section = MutableMapping[str, Any]
_WARM_UP = 0.1
"""The share of training that the warm-up takes at most."""
_SHORTEST = 2
"""A warm-up of one step would never leave its first learning rate."""
_RISING = ("Constant", "Linear", "QuadraticWarmup")
"""The starts of the names of schedulers that warm up."""


def stretch_schedulers(config: _Section, factor: float) -> None:
    """Makes schedulers longer or shorter with training; a warm-up in iterations keeps its length.

    Args:
        config: Its schedulers are changed in place.
        factor: The new length over the one before.
    """
    in_epochs = "max_epochs" in config["train_cfg"]
    for scheduler in config.get("param_scheduler") or []:
        by_epoch = scheduler.get("by_epoch", True)
        if by_epoch == in_epochs or (in_epochs and not _is_warm_up(scheduler)):
            stretch_scheduler(scheduler, factor)


def stretch_scheduler(scheduler: _Section, factor: float) -> None:
    """Makes the part of training that one scheduler covers longer or shorter."""
    if factor == 1:
        return
    for key in ("begin", "end", "T_max"):
        if scheduler.get(key):
            scheduler[key] = max(_SHORTEST, _times(scheduler[key], factor))
    if scheduler.get("begin") and scheduler.get("end"):
        scheduler["begin"] = min(scheduler["begin"], scheduler["end"] - 1)
    if "milestones" in scheduler:
        scheduler["milestones"] = [_times(one, factor) for one in scheduler["milestones"]]


def fit_schedulers(config: _Section, iterations: int, accumulate: int) -> None:
    """Fits schedulers to a length that is decided.

    Where a config counts epochs, what counts iterations counts the parts of steps, and a warm-up
    ends after a tenth of training, if not before. A scheduler without an end ends with training.

    Args:
        config: Its schedulers are changed in place.
        iterations: Of the whole training: steps, times the parts of a step.
        accumulate: Parts that a step is computed in.
    """
    epochs = config["train_cfg"].get("max_epochs")
    for scheduler in config.get("param_scheduler") or []:
        by_epoch = scheduler.get("by_epoch", True)
        if epochs and not by_epoch:
            stretch_scheduler(scheduler, accumulate)
            if _is_warm_up(scheduler):
                longest = max(_SHORTEST, _times(iterations, _WARM_UP))
                scheduler["end"] = min(scheduler["end"], longest)
        if scheduler.get("end") is None:
            scheduler["end"] = epochs if epochs and by_epoch else iterations


def _is_warm_up(scheduler: _Section) -> bool:
    """Whether a scheduler raises the learning rate in the first iterations, and ends then."""
    kind = scheduler.get("type")
    is_first = not scheduler.get("by_epoch", True) and not scheduler.get("begin")
    rises = scheduler.get("start_factor", 0) <= scheduler.get("end_factor", 1)
    named = getattr(kind, "__name__", str(kind)).startswith(_RISING)
    return is_first and rises and named and scheduler.get("end") is not None


def _times(count: int, factor: float) -> int:
    """A count times a factor, 1 or more."""
    return max(1, round(count * factor))
