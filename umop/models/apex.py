"""NVIDIA apex's fused AdamW and layer norm, where a config asks for them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from mmdet.registry import MODELS
from mmengine.registry import OPTIMIZERS
from torch import Tensor, nn
from torch.optim import Optimizer

from umop.system.errors import UserError


def _require_apex(part: str) -> ModuleType:
    """Imports a part of apex.

    Raises:
        UserError: apex is not installed, or was built without its CUDA extensions.
    """
    try:
        return import_module(f"apex.{part}")
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"The config asks for NVIDIA apex, which is not usable here ({error}). Use the "
            "training image that has it, or the config as it is, with AdamW and LN."
        ) from error


@OPTIMIZERS.register_module(name="FusedAdam")
def fused_adam(params: Any, **options: Any) -> Optimizer:
    """Builds apex's AdamW; it takes what torch's takes.

    Raises:
        UserError: apex is not usable.
    """
    optimizer: Optimizer = _require_apex("optimizers").FusedAdam(
        params, adam_w_mode=True, **options
    )
    return optimizer


@MODELS.register_module(name="FusedLN")
class FusedLayerNorm(nn.LayerNorm):
    """Layer norm in one CUDA kernel, with torch's names and values: ``norm_cfg.type=FusedLN``.

    Raises:
        UserError: apex is not usable.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kernel = _require_apex("normalization.fused_layer_norm").fused_layer_norm_affine

    def forward(self, input: Tensor) -> Tensor:
        normalised: Tensor = self.kernel(
            input, self.weight, self.bias, self.normalized_shape, self.eps
        )
        return normalised
