"""The models that mmdet does not have."""

from umop.models.apex import FusedLayerNorm
from umop.models.per_level_heads import PerLevelFCOSHead, PerLevelPAAHead, PerLevelVFNetHead
from umop.models.timm_backbone import TimmBackbone

__all__ = [
    "FusedLayerNorm",
    "PerLevelFCOSHead",
    "PerLevelPAAHead",
    "PerLevelVFNetHead",
    "TimmBackbone",
]
