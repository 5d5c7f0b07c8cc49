"""Tries everything that training does, in two steps."""

from __future__ import annotations

import resource

import torch
from mmengine.config import Config

DRY_RUN_STEPS = 2
_IMAGES = 2


def shorten(config: Config) -> None:
    """Makes a config train for two steps and evaluate on two images."""
    config.train_cfg = {
        "type": "IterBasedTrainLoop",
        "max_iters": DRY_RUN_STEPS,
        "val_interval": DRY_RUN_STEPS,
    }
    config.val_dataloader.dataset.indices = _IMAGES


def peak_memory() -> str:
    """The most memory that this process has used."""
    if torch.cuda.is_available():
        used = torch.cuda.max_memory_reserved()
        total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        return f"{used / 2**30:.1f} of {total / 2**30:.1f} GiB of GPU memory"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB of memory"
