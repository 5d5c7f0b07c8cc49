"""How hard a pyramid level's positives still are, and the focusing that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from mmdet.utils.dist_utils import reduce_mean
from torch import Tensor

Condition = Literal["mean_nll", "nll_of_mean"]

_EMPTY_LEVEL = 2.0
"""The condition of a level that has no positives."""


@dataclass(frozen=True)
class Focusing:
    """The focusing γ and weight α of one level's focal loss (UMOP, arXiv 2109.07217, Sec. 3.2).

    The condition c is measured on the level's P positives, p_t being the probability of their
    true class, and averaged over the ranks of a distributed run. Then
    γ = clamp(c, centre − margin, centre + margin) and α = weight / γ.

    Attributes:
        centre: γ0, the focusing around which γ moves.
        margin: δ, the furthest that γ moves from γ0.
        weight: w, the product α·γ that is held constant.
        condition: ``mean_nll`` is mean(−log p_t), as in the authors' released code, with which
            the published weights were trained. ``nll_of_mean`` is −log(mean p_t), the paper's
            Eq. 4. For p_t = {0.9, 0.01} they are 2.355 and 0.787.
    """

    centre: float = 2.0
    margin: float = 0.5
    weight: float = 0.5
    condition: Condition = "mean_nll"

    def __post_init__(self) -> None:
        if self.condition not in ("mean_nll", "nll_of_mean"):
            raise ValueError(
                f"condition must be 'mean_nll' or 'nll_of_mean', not {self.condition!r}"
            )
        if not 0 <= self.margin < self.centre:
            raise ValueError(
                f"margin must lie in [0, centre): got margin {self.margin}, centre {self.centre}"
            )

    @torch.no_grad()
    def __call__(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Measures one level.

        Nothing is read to the host: γ and α stay on the device of the logits.

        Args:
            logits: Classification logits, float of shape (N, C).
            labels: Class of each anchor, int64 of shape (N,); C means background.

        Returns:
            γ and α, two float scalars on the device of the logits.
        """
        return self.follow(self.measure(logits, labels))

    def follow(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """γ and α of a level whose condition is known; all are float scalars on one device."""
        gamma = condition.clamp(self.centre - self.margin, self.centre + self.margin)
        return gamma, self.weight / gamma

    @torch.no_grad()
    def measure(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The condition of one level, averaged over the ranks; takes what calling does."""
        return reduce_mean(self._measure(logits, labels))

    def _measure(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.size(1)
        positive = is_positive(labels, classes)
        true_class = labels.clamp(0, classes - 1).unsqueeze(1)
        true_logits = logits.gather(1, true_class).squeeze(1)
        nll = F.softplus(-true_logits.to(torch.promote_types(logits.dtype, torch.float32)))
        count = positive.sum()

        def mean(values: Tensor) -> Tensor:
            return torch.where(positive, values, 0.0).sum() / count.clamp(min=1)

        condition = mean(nll) if self.condition == "mean_nll" else -mean((-nll).exp()).log()
        return torch.where(count > 0, condition, _EMPTY_LEVEL)


def is_positive(labels: Tensor, classes: int) -> Tensor:
    """Bool of the shape of the labels: which anchors have an object; negatives are ignored."""
    return (labels >= 0) & (labels < classes)
