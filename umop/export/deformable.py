"""Deformable convolution by torchvision's operator, which exports; mmcv's does not trace."""

from __future__ import annotations

import torch
from mmcv.ops import DeformConv2d, ModulatedDeformConv2dPack
from torch import Tensor, nn
from torchvision.ops import deform_conv2d


class _TraceableDeformConv2d(DeformConv2d):
    """Deformable convolution (DCN), equal to mmcv's."""

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        """Convolves (N, C, H, W) at given offsets."""
        return deform_conv2d(x, offset, self.weight, None, self.stride, self.padding, self.dilation)


class _TraceableModulatedDeformConv2d(ModulatedDeformConv2dPack):
    """Modulated deformable convolution (DCNv2), equal to mmcv's."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolves (N, C, H, W) at learned offsets."""
        rows, columns, mask = torch.chunk(self.conv_offset(x), 3, dim=1)
        return deform_conv2d(
            x,
            torch.cat([rows, columns], dim=1),
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            mask.sigmoid(),
        )


_TRACEABLE: dict[type[nn.Module], type[nn.Module]] = {
    DeformConv2d: _TraceableDeformConv2d,
    ModulatedDeformConv2dPack: _TraceableModulatedDeformConv2d,
}


def replace_deformable(model: nn.Module) -> None:
    """Makes a network's deformable convolutions traceable, in place."""
    for module in model.modules():
        module.__class__ = _TRACEABLE.get(type(module), type(module))
