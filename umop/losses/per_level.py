"""Gives a loss one pyramid level at a time where a head joins them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class PerLevel(nn.Module):
    """Calls a loss once for each pyramid level and sums what it returns.

    Args:
        loss: Takes logits, targets, weights and ``avg_factor``, and reduces to a scalar.

    Attributes:
        rows: For each level, the rows of the joined logits that are its own: int64 vectors. The
            head sets them before each call.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self.rows: Sequence[Tensor] = ()

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
    ) -> Tensor:
        """Computes the loss of all levels.

        Args:
            pred: Logits of all levels, float of shape (N, C).
            target: Its first dimension is N.
            weight: Weight of each anchor, float of shape (N,).
            avg_factor: Divisor of every level's loss.

        Returns:
            A scalar.
        """
        total = pred.new_zeros(())
        for rows in self.rows:
            chosen = None if weight is None else weight[rows]
            total = total + self.loss(pred[rows], target[rows], chosen, avg_factor=avg_factor)
        return total
