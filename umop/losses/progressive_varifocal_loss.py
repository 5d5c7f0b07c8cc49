"""UMOP's idea for VarifocalNet."""

from __future__ import annotations

import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from umop.losses.progressive import ProgressiveLoss


@MODELS.register_module()
class ProgressiveVarifocalLoss(ProgressiveLoss[Tensor]):
    """Varifocal loss (arXiv 2008.13367, Eq. 2) with a γ and an α for each pyramid level.

    Its α weighs the negatives, where the focal loss's α weighs the positives, so it is
    1 − weight / γ: at γ = 2 the 0.75 of VarifocalNet. With ``margin=0`` it is VarifocalNet's loss.
    mmdet's VFNet head joins the levels: use :class:`umop.models.PerLevelVFNetHead`.

    The target is the IoU that each anchor's predicted box has with its true box, at the true
    class, float of shape (N, C); 0 elsewhere. The arguments are those of
    :class:`ProgressiveLoss`.
    """

    def labels(self, target: Tensor, classes: int) -> Tensor:
        quality, label = target.max(dim=1)
        return label.masked_fill(quality <= 0, classes)

    def positives(self, logits: Tensor, target: Tensor, gamma: Tensor, alpha: Tensor) -> Tensor:
        quality = target.amax(dim=1).to(logits.dtype)
        return quality * F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
