"""Finds the largest batch that a GPU holds: ``--batch auto``."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData
from torch import Tensor

from umop.config.building import build_model, mistakes_explained
from umop.config.load import load_written
from umop.runs.folder import RunFolder
from umop.system.console import counted, note
from umop.system.errors import UserError
from umop.training.options import AUTO, TrainOptions
from umop.training.size import canvas

_STEPS = 3
"""The optimizer's memory is there from the second on."""
_SHARE = 0.9
"""The most of the memory that a batch may take: real images vary, and memory is fragmented."""
_IMAGES_IN_A_MIXED_ONE = 8
_BOX = 8
"""Pixels of the boxes."""


def require_gpu(options: TrainOptions, on_gpu: bool, processes: int) -> None:
    """Checks that there is one GPU whose memory can be measured, where ``--batch auto`` is given.

    Args:
        options: Their ``batch`` says whether to measure.
        on_gpu: Whether training is on a GPU.
        processes: How many train together.

    Raises:
        UserError: There is none, or several processes train.
    """
    if options.batch != AUTO:
        return
    if not on_gpu:
        raise UserError(
            "--batch auto measures the memory of a GPU. On a processor a larger batch makes no "
            "image faster: give a number, or leave --batch out."
        )
    if processes > 1:
        raise UserError(
            "--batch auto measures one GPU, and several processes train. Find the number with "
            f"--processes 1 --batch auto --dry-run, and take {processes} times as many."
        )


def choose_batch(config: Config, run: RunFolder, parts: int, images: int, boxes: int) -> int:
    """The largest batch, a power of two in each part, that the GPU holds.

    A run that has begun keeps the batch that it began with.

    Args:
        config: What is trained, its size and precision chosen.
        run: Its folder.
        parts: Parts that a step is computed in.
        images: How many there are to train on.
        boxes: The most boxes of an image.

    Returns:
        Images a step, all parts together.

    Raises:
        UserError: Not even one image fits.
    """
    if run.config.is_file():
        return int(load_written(run.config).train_dataloader.batch_size) * parts
    width, height = canvas(config)
    if "last_pipeline" in config.train_dataloader.dataset:
        boxes *= _IMAGES_IN_A_MIXED_ONE
    found = largest(
        lambda count: _fits(config, _batch_of(count, width, height, boxes)), max(1, images // parts)
    )
    shown = f"of {width} × {height} pixels"
    if found == 0:
        raise UserError(
            f"--batch auto: the GPU does not hold one image {shown}. A smaller --size needs less."
        )
    note(f"The GPU holds {counted(found, 'image')} {shown} (--batch auto).")
    return found * parts


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest power of two, at most ``most``, that fits; 0 where 1 does not."""
    found = 0
    while (count := max(1, 2 * found)) <= most and fits(count):
        found = count
    return found


def _batch_of(count: int, width: int, height: int, boxes: int) -> dict[str, Any]:
    """Makes a batch of black images as mmdet's detectors take it.

    Args:
        count: Images.
        width: Of each image, in pixels.
        height: Of each image, in pixels.
        boxes: Of each image, as many as the fullest has.

    Returns:
        ``inputs``, uint8 tensors of shape (3, H, W), and ``data_samples`` with their boxes.
    """
    box = torch.tensor([0.0, 0.0, _BOX, _BOX])
    samples = []
    for _ in range(count):
        shape = (height, width)
        sample = DetDataSample(
            metainfo={"img_shape": shape, "ori_shape": shape, "scale_factor": (1.0, 1.0)}
        )
        sample.gt_instances = InstanceData(
            bboxes=box.repeat(boxes, 1), labels=torch.zeros(boxes, dtype=torch.int64)
        )
        samples.append(sample)
    image: Tensor = torch.zeros(3, height, width, dtype=torch.uint8)
    return {"inputs": [image] * count, "data_samples": samples}


def _fits(config: Config, batch: dict[str, Any]) -> bool:
    """Whether a few steps with a batch leave some of the GPU's memory."""
    try:
        return _share_of_steps(config, batch) <= _SHARE
    except torch.OutOfMemoryError:
        return False
    finally:
        gc.collect()
        torch.cuda.empty_cache()


def _share_of_steps(config: Config, batch: dict[str, Any]) -> float:
    """The share of the GPU's memory that a few steps of the real model take.

    Raises:
        UserError: The model or its optimizer cannot be built.
    """
    _reset_peak()
    model = build_model(config).cuda().train()
    if config.get("channels_last", False):
        model = model.to(memory_format=torch.channels_last)
    with mistakes_explained():
        optimizer = build_optim_wrapper(model, config.optim_wrapper)
    for _ in range(_STEPS):
        model.train_step(batch, optimizer)
    return _peak()


def _reset_peak() -> None:
    torch.cuda.reset_peak_memory_stats()


def _peak() -> float:
    """The share of the GPU's memory that was reserved at most."""
    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    return torch.cuda.max_memory_reserved() / total
