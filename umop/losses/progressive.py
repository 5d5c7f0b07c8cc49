"""What the progressive losses have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import torch
from torch import Tensor, nn

from umop.losses.focusing import Condition, Focusing, is_positive
from umop.losses.fused import fused_focal

_Reduction = Literal["none", "mean", "sum"]
_Target = TypeVar("_Target")

_EPSILON = torch.finfo(torch.float32).eps
"""Keeps an average over no positives finite, as in mmdet's losses."""
_SMALLEST = 1e-12
"""The least probability that has a logit of its own."""


@dataclass(frozen=True)
class Level:
    """What a loss measured on one pyramid level; the tensors are scalars on its device.

    Attributes:
        condition: How hard the positives are, averaged over the ranks.
        gamma: The γ that follows.
        alpha: The α that follows.
        positives: Number of anchors that have an object, on this rank.
        anchors: Number of all anchors, on this rank.
    """

    condition: Tensor
    gamma: Tensor
    alpha: Tensor
    positives: Tensor
    anchors: int


class ProgressiveLoss(nn.Module, ABC, Generic[_Target]):
    """A sigmoid classification loss whose γ and α follow how hard a level's positives still are.

    Every call is one pyramid level. A subclass says what its targets mean and which function of
    γ and α its loss is.

    Args:
        use_sigmoid: Must be given as True. mmdet reads it to size the head: without it the head
            silently becomes a softmax head with one channel more.
        gamma: γ0, the focusing around which each level's γ moves.
        margin: δ, the furthest that γ moves from γ0; 0 holds every level at γ0.
        weight: w, the constant product α·γ.
        condition: How a level's difficulty is measured, see :class:`Focusing`.
        reduction: ``none``, ``mean`` or ``sum``.
        loss_weight: Factor of the whole loss.
        activated: Whether the head gives probabilities in place of logits, as TOOD's does.

    Attributes:
        trace: None, or a list to which every call appends what it measured.

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
        reduction: _Reduction = "mean",
        loss_weight: float = 1.0,
        activated: bool = False,
    ) -> None:
        super().__init__()
        if use_sigmoid is not True:
            raise ValueError(
                f"{type(self).__name__} needs use_sigmoid=True in its config: without it mmdet "
                "builds a softmax head with a background channel, and AP silently suffers"
            )
        self.use_sigmoid = use_sigmoid
        self.focusing = Focusing(gamma, margin, weight, condition)
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.activated = activated
        self.trace: list[Level] | None = None

    @abstractmethod
    def labels(self, target: _Target, classes: int) -> Tensor:
        """The class of each anchor, int64 of shape (N,); ``classes`` means background."""

    @abstractmethod
    def positives(self, logits: Tensor, target: _Target, gamma: Tensor, alpha: Tensor) -> Tensor:
        """The loss of each anchor's logit of its class: float of shape (N,) to (N,).

        Args:
            logits: Each anchor's logit of its class; what is returned for background is not used.
            target: What :meth:`forward` was given.
            gamma: The level's γ, a scalar.
            alpha: The level's α, a scalar.
        """

    def negative_weight(self, alpha: Tensor) -> Tensor | float:
        """The factor of the other logits' loss, p^γ · −log(1 − p)."""
        return 1 - alpha

    def forward(
        self,
        pred: Tensor,
        target: _Target,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: _Reduction | None = None,
    ) -> Tensor:
        """Computes the loss of one pyramid level.

        Only ``pred`` gets a gradient, which cannot be differentiated again.

        Args:
            pred: Logits, or probabilities if ``activated``: float of shape (N, C). Half precision
                is computed in float32.
            target: What they should be; its form is the subclass's.
            weight: Weight of each anchor, float of shape (N,), or of each logit, (N, C) or (N · C,)
                as FSAF has it; 0 ignores it.
            avg_factor: Divisor of the summed loss: the positives of all levels and ranks.
            reduction_override: Takes the place of ``reduction`` in this call.

        Returns:
            A scalar, or float of shape (N, C) where the reduction is ``none``.

        Raises:
            ValueError: ``avg_factor`` is given with the reduction ``sum``.
        """
        reduction = reduction_override or self.reduction
        if reduction == "sum" and avg_factor is not None:
            raise ValueError("avg_factor cannot be used with the reduction 'sum'")
        pred = _logits(pred) if self.activated else pred
        labels = self.labels(target, pred.size(1))
        condition = self.focusing.measure(pred, labels)
        gamma, alpha = self.focusing.follow(condition)
        if self.trace is not None:
            positives = is_positive(labels, pred.size(1)).sum()
            self.trace.append(Level(condition, gamma, alpha, positives, labels.numel()))
        loss = fused_focal(
            pred,
            labels,
            lambda logits: self.positives(logits, target, gamma, alpha),
            gamma=gamma,
            negative_weight=self.negative_weight(alpha),
            weight=None if weight is None else _to_columns(weight, pred),
            summed=reduction != "none",
        )
        if reduction == "mean":
            loss = loss / (pred.numel() if avg_factor is None else avg_factor + _EPSILON)
        return self.loss_weight * loss


def _logits(probabilities: Tensor) -> Tensor:
    """The logits of probabilities; finite for 0 and 1, which get no gradient."""
    exact = probabilities.to(torch.promote_types(probabilities.dtype, torch.float32))
    p = exact.clamp(_SMALLEST, 1 - _EPSILON)
    return p.log() - (-p).log1p()


def _to_columns(weight: Tensor, logits: Tensor) -> Tensor:
    """Weights as (N, 1), or as (N, C) where there is one for each logit."""
    each_logit = weight.numel() == logits.numel()
    return weight.reshape_as(logits) if each_logit else weight.reshape(-1, 1)
