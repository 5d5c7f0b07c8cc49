"""Group normalisation that is as fast backwards as forwards, on a processor."""

from __future__ import annotations

from torch import Tensor, nn


class PlanarGroupNorm(nn.GroupNorm):
    """Group normalisation that lays its input out channel by channel.

    On a processor, PyTorch's gradient of features that lie channels last takes ten times as long
    as a copy and the gradient of what is copied.
    """

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.contiguous() if input.device.type == "cpu" else input)


def lay_out_planes(model: nn.Module) -> None:
    """Makes a model's group norms those of this module, in place."""
    for module in model.modules():
        if type(module) is nn.GroupNorm:
            module.__class__ = PlanarGroupNorm
