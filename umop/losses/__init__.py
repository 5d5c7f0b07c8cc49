"""Losses whose focusing follows, pyramid level by pyramid level, how hard the positives are."""

from umop.losses.focusing import Condition, Focusing
from umop.losses.per_level import PerLevel
from umop.losses.progressive import Level, ProgressiveLoss
from umop.losses.progressive_focal_loss import ProgressiveFocalLoss
from umop.losses.progressive_quality_focal_loss import ProgressiveQualityFocalLoss
from umop.losses.progressive_varifocal_loss import ProgressiveVarifocalLoss

__all__ = [
    "Condition",
    "Focusing",
    "Level",
    "PerLevel",
    "ProgressiveFocalLoss",
    "ProgressiveLoss",
    "ProgressiveQualityFocalLoss",
    "ProgressiveVarifocalLoss",
]
