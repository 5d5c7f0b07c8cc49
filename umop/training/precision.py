"""Mixed precision: which arithmetic a model is trained in."""

from __future__ import annotations

from typing import Literal

import torch
from mmengine.config import Config

from umop.system.console import note
from umop.system.errors import UserError
from umop.training.options import MixedPrecision


def choose_precision(
    config: Config, wanted: MixedPrecision, on_gpu: bool, began: MixedPrecision | None = None
) -> None:
    """Sets a config's mixed precision.

    Args:
        config: What is trained.
        wanted: ``auto`` keeps the config's choice whether to mix, and takes bfloat16 where the GPU
            has it, which needs no loss scaling, and float16 elsewhere.
        on_gpu: Whether it is trained on GPUs.
        began: What a run was trained in that goes on, maybe on other hardware. ``auto`` keeps it
            where the config leaves the choice to the hardware.

    Raises:
        UserError: The hardware does not have what is wanted.
    """
    optimizer = config.optim_wrapper
    hardware_chooses = optimizer.type == "AmpOptimWrapper" and "dtype" not in optimizer
    if began and wanted == "auto" and hardware_chooses:
        wanted = began
    if not on_gpu:
        _choose_on_processor(config, wanted)
        return
    if wanted == "off":
        use_full(config)
    elif wanted != "auto":
        _use_mixed(config, wanted)
    elif hardware_chooses:
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        _use_mixed(config, "bf16" if has_bf16 else "fp16")


def _choose_on_processor(config: Config, wanted: MixedPrecision) -> None:
    """Mixes with bfloat16 where that makes training faster.

    That is so of a config that is made for processors, on one that multiplies bfloat16.

    Raises:
        UserError: Float16 is wanted.
    """
    if wanted == "fp16":
        raise UserError("--amp fp16 needs a GPU; on the processor there is --amp bf16.")
    mixes = config.optim_wrapper.type == "AmpOptimWrapper"
    needs_gpu = config.get("needs_gpu", False)
    use_full(config)
    faster = mixes and not needs_gpu and multiplies_bfloat16()
    if wanted == "bf16" or (wanted == "auto" and faster):
        config.optim_wrapper.type = "Bf16OptimWrapper"
    elif mixes and needs_gpu:
        note("Mixed precision is off: it needs a GPU.")


def precision_of(config: Config) -> MixedPrecision:
    """The arithmetic that a run's config says it is trained in."""
    optimizer = config.optim_wrapper
    if optimizer.type == "OptimWrapper":
        return "off"
    return "fp16" if optimizer.get("dtype") == "float16" else "bf16"


def describe_precision(config: Config) -> str | None:
    """What the plan says of the arithmetic, where a processor has another than usual."""
    if config.optim_wrapper.type != "Bf16OptimWrapper":
        return None
    return "Precision: the processor computes in bfloat16 (--amp off: in float32)."


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions that multiply bfloat16: AVX-512's, or Intel's AMX."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _use_mixed(config: Config, precision: Literal["bf16", "fp16"]) -> None:
    """Mixes full precision with a 16-bit one; float16 needs its losses scaled, bfloat16 not.

    Raises:
        UserError: The GPU has no bfloat16.
    """
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UserError(
            "This GPU has no bfloat16: use --amp fp16, or another GPU for a run that began in "
            "bfloat16."
        )
    config.optim_wrapper.type = "AmpOptimWrapper"
    if precision == "bf16":
        config.optim_wrapper.dtype = "bfloat16"
        config.optim_wrapper.loss_scale = {"enabled": False}
    else:
        config.optim_wrapper.dtype = "float16"
        config.optim_wrapper.loss_scale = "dynamic"


def use_full(config: Config) -> None:
    """Turns mixed precision off."""
    config.optim_wrapper.type = "OptimWrapper"
    for setting in ("dtype", "loss_scale"):
        config.optim_wrapper.pop(setting, None)
