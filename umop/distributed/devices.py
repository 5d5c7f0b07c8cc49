"""What a model trains on."""

from __future__ import annotations

import os

import torch
from mmengine.config import Config

from serving.shared import usable_cores
from umop.system.errors import MachineError, UserError


def choose_processes(config: Config, on_cpu: bool = False, wanted: int | None = None) -> int:
    """Decides how many processes train: one for each GPU, or one on the processor.

    Args:
        config: What is trained.
        on_cpu: The user asked for the processor.
        wanted: The number of processes that the user asked for.

    Raises:
        MachineError: The config needs a GPU, or the container was given one, and there is none.
        UserError: There are too few GPUs or cores.
    """
    gpus = 0 if on_cpu else torch.cuda.device_count()
    if gpus == 0:
        if not on_cpu:
            _require_none(config)
        cores = usable_cores()
        if wanted is not None and wanted > cores:
            raise UserError(f"{wanted} processes need as many cores; this process may use {cores}.")
        return wanted or 1
    if wanted is not None and wanted > gpus:
        raise UserError(f"{wanted} processes need as many GPUs; this machine has {gpus}.")
    return wanted or gpus


def _require_none(config: Config) -> None:
    """Refuses the processor where a GPU was meant.

    Raises:
        MachineError: One was.
    """
    if config.get("needs_gpu", False):
        meant = "this config is made for GPUs"
    elif _was_given_gpus():
        meant = "this container was given one (NVIDIA_VISIBLE_DEVICES)"
    else:
        return
    raise MachineError(
        f"No GPU was found, and {meant}: nvidia-smi shows what this machine has. To train on the "
        "processor all the same, which suits some hundred images of your own, add --device cpu."
    )


def _was_given_gpus() -> bool:
    """Whether a container was given GPUs by their names, as Kubernetes gives them."""
    given = os.environ.get("NVIDIA_VISIBLE_DEVICES", "")
    return given.startswith(("GPU-", "MIG-")) and "CUDA_VISIBLE_DEVICES" not in os.environ


def connect_processors(config: Config) -> None:
    """Makes the ranks train on processors: mmengine would give each the GPU of its number.

    Synchronised batch norms are only for GPUs: here each rank has its own.
    """
    config.sync_bn = None
    config.model_wrapper_cfg = {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "device_ids": None,
        "find_unused_parameters": config.get("find_unused_parameters", False),
    }


def plan(config: Config, processes: int, accumulate: int = 1) -> str:
    """Says the effective batch and the learning rate that follows from it.

    Args:
        config: Its batch is that of a process and part.
        processes: How many train together.
        accumulate: Parts that a step is computed in, one after the other.
    """
    each = config.train_dataloader.batch_size
    batch = processes * each * accumulate
    rate = config.optim_wrapper.optimizer.lr
    parts = f"{processes} × {each}" + (f" × {accumulate} parts" if accumulate > 1 else "")
    text = f"Batch: {parts} = {batch} images a step. Learning rate: "
    scaling = config.get("auto_scale_lr") or {}
    if not scaling.get("enable", False):
        return f"{text}{rate:g}."
    base = scaling["base_batch_size"] * accumulate
    return f"{text}{rate * batch / base:g} ({rate:g} for {base} images, scaled)."
