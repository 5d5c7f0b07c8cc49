"""The three losses as sums of PyTorch's operations, differentiated by autograd."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def focal(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Focal loss of each logit; α is 0.5 / γ."""
    own = one_hot(labels, logits)
    p = logits.sigmoid()
    alpha = 0.5 / gamma
    positive = -alpha * (1 - p) ** gamma * F.logsigmoid(logits)
    negative = -(1 - alpha) * p**gamma * F.logsigmoid(-logits)
    return torch.where(own, positive, negative)


def quality_focal(logits: Tensor, target: tuple[Tensor, Tensor], gamma: float) -> Tensor:
    """Quality focal loss of each logit."""
    labels, quality = target
    wanted = one_hot(labels, logits) * quality.unsqueeze(1)
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (logits.sigmoid() - wanted).abs() ** gamma * entropy


def varifocal(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Varifocal loss of each logit; its α is 1 − 0.5 / γ."""
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    negative = (1 - 0.5 / gamma) * logits.sigmoid() ** gamma
    return torch.where(target > 0, target, negative) * entropy


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    classes = logits.size(1)
    return F.one_hot(labels.clamp(0, classes), classes + 1)[:, :classes].bool()
