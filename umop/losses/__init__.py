"""Losses whose focusing follows, pyramid level by pyramid level, how hard the positives are."""

from umop.losses.focusing import Condition, Focusing
from umop.losses.progressive_focal_loss import ProgressiveFocalLoss

__all__ = ["Condition", "Focusing", "ProgressiveFocalLoss"]
