"""UMOP's focal loss."""

from __future__ import annotations

import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from umop.losses.fused import modulation
from umop.losses.progressive import ProgressiveLoss


@MODELS.register_module()
class ProgressiveFocalLoss(ProgressiveLoss[Tensor]):
    """Focal loss with a γ and an α for each pyramid level (UMOP, arXiv 2109.07217).

    mmdet's ATSS and RetinaNet heads call it once a level, so that it holds the whole method::

        loss_cls=dict(type="ProgressiveFocalLoss", use_sigmoid=True)

    The target is the class of each anchor, int64 of shape (N,); C means background. The
    arguments are those of :class:`ProgressiveLoss`.
    """

    def labels(self, target: Tensor, classes: int) -> Tensor:
        return target

    def positives(self, logits: Tensor, target: Tensor, gamma: Tensor, alpha: Tensor) -> Tensor:
        return alpha * modulation(-logits, gamma) * F.softplus(-logits)
