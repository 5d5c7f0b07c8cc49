"""The models that mmdet does not have."""

from umop.models.timm_backbone import TimmBackbone

__all__ = ["TimmBackbone"]
