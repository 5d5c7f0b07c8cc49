"""TOOD's head as it traces: for any batch, and with torchvision's deformable convolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from umop.models import ScheduledTOODHead
from umop.system.errors import UserError


class _TraceableTOODHead(ScheduledTOODHead):
    """TOOD's anchor-free head, equal to the one that is trained."""

    def forward(self, feats: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Finds class probabilities, and boxes in strides, of each level."""
        levels = zip(feats, self.scales, strict=True)
        scores, boxes = zip(*(self.level(*level) for level in levels), strict=True)
        return scores, boxes

    def level(self, feature: Tensor, scale: nn.Module) -> tuple[Tensor, Tensor]:
        """What :meth:`forward` finds of one level: float (N, C, H, W) and (N, 4, H, W)."""
        steps = []
        for convolution in self.inter_convs:
            feature = convolution(feature)
            steps.append(feature)
        joined = torch.cat(steps, dim=1)
        mean = F.adaptive_avg_pool2d(joined, 1)

        logits = self.tood_cls(self.cls_decomp(joined, mean)).float()
        aligned = self.cls_prob_module(joined).float()
        scores = (logits.sigmoid() * aligned.sigmoid()).sqrt()

        distances = scale(self.tood_reg(self.reg_decomp(joined, mean)).exp()).float()
        boxes = _around_places(distances)
        moved = self.deform_sampling(boxes, self.reg_offset_module(joined).float())
        return scores, torch.where(_is_inverted(moved), boxes, moved)

    def deform_sampling(self, feat: Tensor, offset: Tensor) -> Tensor:
        """Samples each channel of (N, C, H, W) at its own offsets, (N, 2 · C, H, W)."""
        return deform_conv2d(feat, offset, feat.new_ones(feat.shape[1], 1, 1, 1))


def _around_places(distances: Tensor) -> Tensor:
    """Boxes of a map's places, from their distances to the four sides: float (N, 4, H, W)."""
    height, width = distances.shape[2:]
    lines = torch.arange(height, device=distances.device, dtype=distances.dtype)
    columns = torch.arange(width, device=distances.device, dtype=distances.dtype)
    y, x = torch.meshgrid(lines, columns, indexing="ij")
    places = torch.stack([x, y])
    return torch.cat([places - distances[:, :2], places + distances[:, 2:]], dim=1)


def _is_inverted(boxes: Tensor) -> Tensor:
    """Which boxes of (N, 4, H, W) have a side on the wrong side: bool (N, 1, H, W)."""
    return (boxes[:, :2] > boxes[:, 2:]).any(dim=1, keepdim=True)


def replace_tood(model: nn.Module) -> None:
    """Makes a TOOD head traceable, in place.

    Raises:
        UserError: It starts from anchors.
    """
    for module in model.modules():
        if isinstance(module, ScheduledTOODHead):
            if module.anchor_type != "anchor_free":
                raise UserError("TOOD can be exported with anchor_type='anchor_free' only.")
            module.__class__ = _TraceableTOODHead
