"""Microsoft's Swin Transformer as a detection backbone, small and plain, with its own names.

Written from the paper (arXiv 2103.14030) as a reference for the conversion of published weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Attention among the pixels of a window, with a learnt bias for each offset."""

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        rows, columns = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
        pixels = torch.stack([rows.flatten(), columns.flatten()], dim=1)
        offsets = pixels[:, None] - pixels[None] + window - 1
        index = offsets[..., 0] * (2 * window - 1) + offsets[..., 1]
        self.register_buffer("relative_position_index", index)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, windows: Tensor, allowed: Tensor) -> Tensor:
        """Attends: (B, N, C), and which of a window's pixels may see which, bool (B, N, N)."""
        batch, pixels, channels = windows.shape
        shape = (batch, pixels, 3, self.heads, channels // self.heads)
        query, key, value = self.qkv(windows).view(shape).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        scores = query @ key.mT / (channels // self.heads) ** 0.5 + bias
        scores = scores.masked_fill(~allowed[:, None], -100.0)
        return self.proj((scores.softmax(-1) @ value).transpose(1, 2).reshape(windows.shape))


class Mlp(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(channels)
        self.attn = Attention(channels, heads, window)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attend(self, x: Tensor) -> Tensor:
        """Attends in windows of a map (B, H, W, C), moved by the shift."""
        _, height, width, _ = x.shape
        x = F.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        region = regions(x.shape[1], x.shape[2], self.window, self.shift)
        x = x.roll((-self.shift, -self.shift), (1, 2))
        windows, areas = split(x, self.window), split(region, self.window)
        allowed = (areas == areas.mT).repeat(x.shape[0], 1, 1)
        x = join(self.attn(windows, allowed), x.shape, self.window)
        return x.roll((self.shift, self.shift), (1, 2))[:, :height, :width]


def regions(height: int, width: int, window: int, shift: int) -> Tensor:
    """Numbers the areas of a shifted map that belong together, (1, H, W, 1)."""
    if shift == 0:
        return torch.zeros(1, height, width, 1)
    rows = torch.bucketize(
        torch.arange(height), torch.tensor([height - window, height - shift]), right=True
    )
    columns = torch.bucketize(
        torch.arange(width), torch.tensor([width - window, width - shift]), right=True
    )
    return (3 * rows[:, None] + columns)[None, ..., None].float()


def split(x: Tensor, window: int) -> Tensor:
    """Cuts (B, H, W, C) into (B · windows, window², C)."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).reshape(-1, window * window, channels)


def join(windows: Tensor, shape: torch.Size, window: int) -> Tensor:
    """Undoes :func:`split`."""
    batch, height, width, channels = shape
    x = windows.view(batch, height // window, width // window, window, window, channels)
    return x.transpose(2, 3).reshape(shape)


class PatchMerging(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
        return self.reduction(self.norm(torch.cat([x[:, r::2, c::2] for r, c in corners], -1)))


class Layer(nn.Module):
    def __init__(self, channels: int, depth: int, heads: int, window: int, last: bool) -> None:
        super().__init__()
        shifts = [0 if block % 2 == 0 else window // 2 for block in range(depth)]
        self.blocks = nn.ModuleList(Block(channels, heads, window, shift) for shift in shifts)
        self.downsample = None if last else PatchMerging(channels)


class PatchEmbed(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, 4, 4)
        self.norm = nn.LayerNorm(channels)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        images = F.pad(images, (0, -width % 4, 0, -height % 4))
        return self.norm(self.proj(images).permute(0, 2, 3, 1))


class OriginalSwin(nn.Module):
    """Features of four strides, each (N, C, H / stride, W / stride), of images (N, 3, H, W)."""

    def __init__(self, channels: int, depths: Sequence[int], heads: Sequence[int]) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(channels)
        self.layers = nn.ModuleList(
            Layer(channels * 2**i, depth, heads[i], window=7, last=i == 3)
            for i, depth in enumerate(depths)
        )
        for i in range(4):
            self.add_module(f"norm{i}", nn.LayerNorm(channels * 2**i))

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.patch_embed(images)
        features = []
        for i, layer in enumerate(self.layers):
            for block in layer.blocks:
                x = block(x)
            features.append(getattr(self, f"norm{i}")(x).permute(0, 3, 1, 2))
            x = layer.downsample(x) if layer.downsample else x
        return features
