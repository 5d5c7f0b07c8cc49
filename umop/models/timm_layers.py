"""timm's convolutions and batch norms, as export needs them and as they train fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.model.efficient_conv_bn_eval import efficient_conv_bn_eval_forward
from timm.layers import BatchNormAct2d, Conv2dSame
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad


class _FoldingConv2d(nn.Conv2d):
    """A convolution that, in training, includes the frozen batch norm behind it.

    Such a norm is a scale and a shift of each channel, which cost no pass over the features where
    they are applied to the convolution's weights (arXiv 2305.11624).

    Attributes:
        norms: The batch norm, in a tuple, for it is no part of this module; none at first.
    """

    norms: tuple[nn.BatchNorm2d, ...] = ()

    def forward(self, input: Tensor) -> Tensor:
        if self.is_slow_in_bf16(input):
            with torch.autocast("cpu", enabled=False):
                return self.folded(input.float())
        return self.folded(input)

    def folded(self, input: Tensor) -> Tensor:
        """Convolves, with the batch norm in training."""
        if not self.training or not self.norms:
            return self._conv_forward(input, self.weight, self.bias)
        return efficient_conv_bn_eval_forward(self.norms[0], self, input)

    def is_slow_in_bf16(self, input: Tensor) -> bool:
        """Whether its gradients take a processor longer in bfloat16: depthwise ones, up to 50 ×."""
        is_mixed = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        slow = self.weight.requires_grad or self.stride[0] > 1
        return is_mixed and self.groups > 1 and input.requires_grad and slow


class _PaddedConv2d(_FoldingConv2d):
    """A strided convolution with TensorFlow's padding: the odd pixel goes right and below.

    timm computes that padding from each input's size. For sides that the stride divides it is
    always the same, and a constant is what export needs. In training the kernel is padded instead,
    with zeros on the other side: that is the same convolution without a copy of the features.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        total = self.kernel_size[0] - self.stride[0]
        before, after = total // 2, total - total // 2
        if not self.training:
            return super()._conv_forward(pad(input, (before, after, before, after)), weight, bias)
        odd = after - before
        kernel = pad(weight, (odd, 0, odd, 0))
        return conv2d(input, kernel, bias, self.stride, after, self.dilation, self.groups)


class _FoldedNormAct2d(BatchNormAct2d):
    """timm's batch norm and activation, of which only the activation is left in training.

    Attributes:
        convs: The :class:`_FoldingConv2d` that includes it, in a tuple.
    """

    convs: tuple[_FoldingConv2d, ...]

    def forward(self, x: Tensor) -> Tensor:
        if not self.convs[0].training:
            return super().forward(x)
        activated: Tensor = self.act(self.drop(x))
        return activated


def adapt_convolutions(model: nn.Module) -> None:
    """Makes a timm model's convolutions those of this module, in place."""
    for module in model.modules():
        if type(module) is Conv2dSame:
            module.__class__ = _PaddedConv2d
        elif type(module) is nn.Conv2d:
            module.__class__ = _FoldingConv2d


def fold_norms(model: nn.Module) -> None:
    """Folds frozen batch norms into the convolutions before them, in place; names stay."""
    for conv, norm in _pairs(model):
        norm.__class__ = _FoldedNormAct2d
        conv.norms, norm.convs = (norm,), (conv,)


def _pairs(model: nn.Module) -> Iterator[tuple[_FoldingConv2d, Any]]:
    """Each convolution whose output only a batch norm of timm uses, with that batch norm."""
    layers = dict(model.named_modules())
    for node in _Layers().trace(model).nodes:
        norm: Any = layers.get(node.target) if node.op == "call_module" else None
        if type(norm) is not BatchNormAct2d:
            continue
        before = node.args[0]
        conv = layers.get(before.target)
        if isinstance(conv, _FoldingConv2d) and len(before.users) == 1:
            yield conv, norm


class _Layers(torch.fx.Tracer):
    """Traces a model down to its convolutions and batch norms."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        is_layer = isinstance(m, nn.Conv2d | nn.BatchNorm2d)
        return is_layer or super().is_leaf_module(m, module_qualified_name)
