"""Group norms that lay out planes compute what PyTorch's do."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from umop.models.group_norm import PlanarGroupNorm, lay_out_planes


def output_and_gradients(norm: nn.GroupNorm) -> list[Tensor]:
    pixels = torch.randn(2, 8, 5, 7, generator=torch.manual_seed(0)).double()
    pixels = pixels.to(memory_format=torch.channels_last).requires_grad_()
    output = norm(pixels)
    return [output, *torch.autograd.grad(output.square().sum(), (pixels, *norm.parameters()))]


def test_layout_changes_neither_output_nor_gradients() -> None:
    norm = nn.GroupNorm(4, 8).double()
    before = output_and_gradients(norm)
    lay_out_planes(nn.Sequential(nn.Conv2d(3, 8, 1), norm))
    after = output_and_gradients(norm)
    assert type(norm) is PlanarGroupNorm
    assert after[0].is_contiguous()
    torch.testing.assert_close(after, before)
