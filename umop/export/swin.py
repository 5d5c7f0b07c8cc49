"""Swin's windows by gathering, which traces for images of any size.

mmdet pads and rolls feature maps and cuts them into views; those shapes hang ``torch.export`` when
height and width are dynamic. Here each window's tokens are picked by computed indices instead. The
arithmetic on the picked tokens is mmdet's own.
"""

from __future__ import annotations

import torch
from mmdet.models.backbones.swin import ShiftWindowMSA
from mmdet.models.layers.transformer.utils import AdaptivePadding
from torch import Tensor, nn

_FORBIDDEN = -100.0


class _GatheredWindowMSA(ShiftWindowMSA):
    """Shifted-window attention, equal to mmdet's."""

    def forward(self, query: Tensor, hw_shape: tuple[int, int]) -> Tensor:
        """Attends within windows.

        Args:
            query: Tokens of a feature map, float (N, H · W, C).
            hw_shape: H and W.

        Returns:
            Float (N, H · W, C).
        """
        batch, length, channels = query.shape
        tokens, mask = self.windows(*hw_shape, query)
        padded = torch.cat([query, query.new_zeros(batch, 1, channels)], dim=1)
        windows = padded[:, tokens].view(-1, self.window_size**2, channels)
        masks = mask.unsqueeze(0).expand(batch, -1, -1, -1).flatten(0, 1)
        attended = self.w_msa(windows, mask=masks if self.shift_size else None)
        attended = attended.view(batch, -1, channels)[:, self.positions(*hw_shape, query)]
        return self.drop(attended.view(batch, length, channels))

    def windows(self, height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens in each window, and which of them do not see each other.

        Args:
            height: Rows of the feature map.
            width: Its columns.
            like: A tensor of the device and dtype to use.

        Returns:
            Token indices, int64 (windows · side²,), H · W where a window leaves the map; what is
            added to the attention, float (windows, side², side²).
        """
        side = self.window_size
        down, across = _windows_along(height, side), _windows_along(width, side)
        positions = torch.arange(down * across * side**2, device=like.device)
        rows = positions // (across * side**2) * side + positions // side % side
        columns = _remainder(positions // side**2, across) * side + positions % side
        regions = 3 * self.regions(rows, down * side) + self.regions(columns, across * side)

        rows = _remainder(rows + self.shift_size, down * side)
        columns = _remainder(columns + self.shift_size, across * side)
        inside = (rows < height) & (columns < width)
        tokens = torch.where(inside, rows * width + columns, height * width)

        # One window of padding more: an export specialises on a dimension that can be 1.
        tokens = torch.cat([tokens, tokens.new_full((side**2,), height * width)])
        regions = torch.cat([regions, regions.new_zeros(side**2)]).view(-1, side**2)
        apart = regions.unsqueeze(1) != regions.unsqueeze(2)
        return tokens, apart.to(like.dtype) * _FORBIDDEN

    def regions(self, positions: Tensor, length: int) -> Tensor:
        """Of a rolled axis: 0 before the last window, 1 in it, 2 where it was rolled in."""
        last_window = positions >= length - self.window_size
        rolled_in = positions >= length - self.shift_size
        return last_window.long() + rolled_in.long()

    def positions(self, height: int, width: int, like: Tensor) -> Tensor:
        """Where each token is among the windows' tokens.

        Args:
            height: Rows of the feature map.
            width: Its columns.
            like: A tensor of the device to use.

        Returns:
            Int64 (H · W,).
        """
        side = self.window_size
        down, across = _windows_along(height, side), _windows_along(width, side)
        tokens = torch.arange(height * width, device=like.device)
        rows = _remainder(tokens // width + down * side - self.shift_size, down * side)
        columns = _remainder(tokens, width) + across * side - self.shift_size
        columns = _remainder(columns, across * side)
        window = rows // side * across + columns // side
        return window * side**2 + rows % side * side + columns % side


def _windows_along(length: int, side: int) -> int:
    """How many windows cover an axis."""
    return (length + side - 1) // side


def _remainder(values: Tensor, length: int) -> Tensor:
    """``values % length`` for a dynamic length, which ONNX's exporter cannot translate."""
    return values - values // length * length


def gather_windows(model: nn.Module) -> None:
    """Makes a Swin traceable, in place, for sides that its strides divide."""
    for module in model.modules():
        if type(module) is ShiftWindowMSA:
            module.__class__ = _GatheredWindowMSA
        elif isinstance(getattr(module, "adap_padding", None), AdaptivePadding):
            module.adap_padding = nn.Identity()
