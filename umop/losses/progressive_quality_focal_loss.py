"""UMOP's idea for Generalized Focal Loss."""

from __future__ import annotations

import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from umop.losses.progressive import ProgressiveLoss


@MODELS.register_module()
class ProgressiveQualityFocalLoss(ProgressiveLoss[tuple[Tensor, Tensor]]):
    """Quality focal loss (GFL, arXiv 2006.04388, Eq. 4) with a β for each pyramid level.

    β takes γ's part; the loss has no α. With ``margin=0`` it is GFL's own loss. mmdet's GFL head
    calls it once a level.

    The target is a pair: the class of each anchor, int64 of shape (N,), where C means background,
    and the IoU of its predicted box with the true one, float of shape (N,). The arguments are
    those of :class:`ProgressiveLoss`.
    """

    def labels(self, target: tuple[Tensor, Tensor], classes: int) -> Tensor:
        return target[0]

    def positives(
        self, logits: Tensor, target: tuple[Tensor, Tensor], gamma: Tensor, alpha: Tensor
    ) -> Tensor:
        quality = target[1].to(logits.dtype)
        distance = (logits.sigmoid() - quality).abs()
        cross_entropy = F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
        return distance.pow(gamma) * cross_entropy

    def negative_weight(self, alpha: Tensor) -> float:
        return 1.0
