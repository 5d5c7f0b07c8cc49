"""UMOP's focal loss."""

from __future__ import annotations

import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from umop.losses.progressive import ProgressiveLoss, one_hot


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

    def elementwise(self, logits: Tensor, target: Tensor, gamma: Tensor, alpha: Tensor) -> Tensor:
        return focal_loss(logits, one_hot(target, logits.size(1)), gamma, alpha)


def focal_loss(logits: Tensor, positive: Tensor, gamma: Tensor, alpha: Tensor) -> Tensor:
    """Focal loss of each logit (RetinaNet, arXiv 1708.02002, Eq. 5).

    Written with softplus, so that neither sigmoid nor logarithm can underflow: for the
    probability q of the wrong answer, −log(1 − q) is the softplus of q's logit.

    Args:
        logits: Float of any shape.
        positive: Bool of the same shape.
        gamma: Focusing γ, a scalar.
        alpha: Weight α of the positives, a scalar; the negatives weigh 1 − α.

    Returns:
        Float of the same shape: α_t · (1 − p_t)^γ · −log p_t.
    """
    wrong = logits.neg().where(positive, logits)
    balance = alpha.where(positive, 1 - alpha)
    return balance * wrong.sigmoid().pow(gamma) * F.softplus(wrong)
