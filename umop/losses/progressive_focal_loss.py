"""UMOP's focal loss, which a one-stage head calls once a pyramid level."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from mmdet.models.losses.utils import weight_reduce_loss
from mmdet.registry import MODELS
from torch import Tensor, nn

from umop.losses.focusing import Condition, Focusing

Reduction = Literal["none", "mean", "sum"]


@MODELS.register_module()
class ProgressiveFocalLoss(nn.Module):
    """Sigmoid focal loss whose γ and α follow how hard the level's positives still are.

    mmdet's ATSS and RetinaNet heads call it once a level, so that it holds the whole method::

        loss_cls=dict(type="ProgressiveFocalLoss", use_sigmoid=True)

    Args:
        use_sigmoid: Must be given as True. mmdet reads it to size the head: without it the head
            silently becomes a softmax head with one channel more.
        gamma: γ0, the focusing around which each level's γ moves.
        margin: δ, the furthest that γ moves from γ0.
        weight: w, the constant product α·γ.
        condition: How a level's difficulty is measured, see :class:`Focusing`.
        reduction: ``none``, ``mean`` or ``sum``.
        loss_weight: Factor of the whole loss.

    Attributes:
        trace: None, or a list to which every call appends its γ (a scalar on the device).

    Raises:
        ValueError: ``use_sigmoid`` is not True, or a parameter is out of its range.
    """

    def __init__(
        self,
        use_sigmoid: bool = False,
        gamma: float = 2.0,
        margin: float = 0.5,
        weight: float = 0.5,
        condition: Condition = "mean_nll",
        reduction: Reduction = "mean",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if use_sigmoid is not True:
            raise ValueError(
                "ProgressiveFocalLoss needs use_sigmoid=True in its config: without it mmdet "
                "builds a softmax head with a background channel, and AP silently suffers"
            )
        self.use_sigmoid = use_sigmoid
        self.focusing = Focusing(gamma, margin, weight, condition)
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.trace: list[Tensor] | None = None

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: Reduction | None = None,
    ) -> Tensor:
        """Computes the loss of one pyramid level.

        Args:
            pred: Logits, float of shape (N, C). Half precision is computed in float32.
            target: Class of each anchor, int64 of shape (N,); C means background.
            weight: Weight of each anchor, float of shape (N,) or (N, C); 0 ignores it.
            avg_factor: Divisor of the summed loss: the positives of all levels and ranks.
            reduction_override: Takes the place of ``reduction`` in this call.

        Returns:
            A scalar, or float of shape (N, C) where the reduction is ``none``.
        """
        logits = pred if pred.dtype.itemsize >= 4 else pred.float()
        gamma, alpha = self.focusing(logits, target)
        if self.trace is not None:
            self.trace.append(gamma)
        positive = target.unsqueeze(1) == torch.arange(pred.size(1), device=pred.device)
        loss = focal_loss(logits, positive, gamma, alpha)
        if weight is not None and weight.dim() == 1:
            weight = weight.unsqueeze(1)
        reduction = reduction_override or self.reduction
        reduced: Tensor = weight_reduce_loss(loss, weight, reduction, avg_factor)
        return self.loss_weight * reduced


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
