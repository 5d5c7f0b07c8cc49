"""The models that mmdet does not have."""

from umop.models.apex import FusedLayerNorm
from umop.models.bf16 import Bf16OptimWrapper
from umop.models.per_level_heads import (
    DoublePAAHead,
    PerLevelFCOSHead,
    PerLevelPAAHead,
    PerLevelVFNetHead,
)
from umop.models.scheduled_tood_head import ScheduledTOODHead
from umop.models.timm_backbone import TimmBackbone

__all__ = [
    "Bf16OptimWrapper",
    "DoublePAAHead",
    "FusedLayerNorm",
    "PerLevelFCOSHead",
    "PerLevelPAAHead",
    "PerLevelVFNetHead",
    "ScheduledTOODHead",
    "TimmBackbone",
]
