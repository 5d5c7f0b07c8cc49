"""mmdet's heads that join the pyramid levels before their classification loss, split again.

FCOS, VFNet and PAA hand the loss one tensor with the anchors of all levels. These heads tell
:class:`umop.losses.PerLevel` which rows are whose; all else is mmdet's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import FCOSHead, PAAHead, VFNetHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.losses import FocalLoss
from mmdet.registry import MODELS
from torch import Tensor

from umop.losses import Focusing, PerLevel


def _rows_of_levels(scores: Sequence[Tensor], classes: int) -> list[Tensor]:
    """Finds each level's rows where the levels follow one another, as in FCOS and VFNet.

    Args:
        scores: Class scores of each level, each (N, A · classes, H, W).
        classes: Score channels of an anchor.

    Returns:
        For each level, int64 of shape (N · H · W · A,).
    """
    sizes = [level.numel() // classes for level in scores]
    return list(torch.split(torch.arange(sum(sizes), device=scores[0].device), sizes))


def _rows_of_levels_by_image(scores: Sequence[Tensor], classes: int) -> list[Tensor]:
    """Finds each level's rows where the images follow one another, as in PAA.

    Takes and returns what :func:`_rows_of_levels` does.
    """
    images = scores[0].size(0)
    sizes = [level[0].numel() // classes for level in scores]
    rows = torch.arange(images * sum(sizes), device=scores[0].device).view(images, -1)
    return [level.flatten() for level in torch.split(rows, sizes, dim=1)]


class _PerLevelHead(BaseDenseHead):
    """Mixin before a dense head: its classification loss sees one pyramid level at a time."""

    loss_cls: Any
    rows_of_levels = staticmethod(_rows_of_levels)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.loss_cls = PerLevel(self.loss_cls)

    def loss_by_feat(
        self, cls_scores: list[Tensor], *args: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Computes the losses; takes and returns what the head does."""
        self.loss_cls.rows = self.rows_of_levels(cls_scores, self.cls_out_channels)
        losses: dict[str, Tensor] = super().loss_by_feat(cls_scores, *args, **kwargs)
        return losses


@MODELS.register_module()
class PerLevelFCOSHead(_PerLevelHead, FCOSHead):
    """FCOS (arXiv 1904.01355)."""


@MODELS.register_module()
class PerLevelVFNetHead(_PerLevelHead, VFNetHead):
    """VarifocalNet (arXiv 2008.13367)."""


@MODELS.register_module()
class DoublePAAHead(PAAHead):
    """PAA's head that splits the scores of its candidates in double precision.

    scikit-learn now fits its mixture in the precision it is given. In single precision the
    variance of nearly equal scores comes out negative, which stops the training.
    """

    def paa_reassign(self, pos_losses: Tensor, *args: Any) -> tuple[Any, ...]:
        """Chooses the positives of one image; takes and returns what PAA's head does."""
        chosen: tuple[Any, ...] = super().paa_reassign(pos_losses.double(), *args)
        return chosen


@MODELS.register_module()
class PerLevelPAAHead(_PerLevelHead, DoublePAAHead):
    """Probabilistic anchor assignment (arXiv 2007.08103).

    Candidates are scored with one γ on all levels, γ0: the assignment compares them across levels,
    and it runs for each image that has any, so that a mean over ranks in it would wait for ever.
    """

    rows_of_levels = staticmethod(_rows_of_levels_by_image)

    def get_pos_loss(self, *args: Any) -> tuple[Tensor]:
        """Scores the candidates of one image; takes and returns what PAA's head does."""
        per_level = self.loss_cls
        focusing: Focusing = per_level.loss.focusing
        self.loss_cls = FocalLoss(
            use_sigmoid=True, gamma=focusing.centre, alpha=focusing.weight / focusing.centre
        )
        try:
            scores: tuple[Tensor] = super().get_pos_loss(*args)
        finally:
            self.loss_cls = per_level
        return scores
