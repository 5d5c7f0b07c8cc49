"""Backbones of the timm library, for mmdet's detectors.

timm is imported by what uses it: that takes seconds, and most configs have other backbones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from serving.shared import cache_folder
from umop.system.errors import UserError


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """Feature maps of a timm model, for images whose sides are multiples of its last stride.

    Batch norms keep the statistics, scales and shifts that they were pretrained with, as
    torchvision's ``FrozenBatchNorm2d``: a batch of a few images says too little of them.

    Args:
        name: timm's name of the model.
        out_indices: The stages whose features are returned.
        frozen_stages: Number of stages at the start, the stem included, that keep their weights.
        frozen_depthwise: Leave the weights of depthwise convolutions as they are, everywhere.
        pretrained: Take the weights in ``$UMOP_CACHE/weights/<name>.pth`` when training starts.
    """

    def __init__(
        self,
        name: str,
        out_indices: Sequence[int] = (2, 3, 4),
        frozen_stages: int = 0,
        frozen_depthwise: bool = False,
        pretrained: bool = False,
    ) -> None:
        import timm

        from umop.models.timm_layers import adapt_convolutions, fold_norms

        super().__init__()
        self.name = name
        self.pretrained = pretrained
        self.frozen_stages = frozen_stages
        self.frozen_depthwise = frozen_depthwise
        self.features = timm.create_model(name, features_only=True, out_indices=out_indices)
        adapt_convolutions(self.features)
        depthwise = self.depthwise() if frozen_depthwise else []
        for module in [*self.frozen_modules(), *self.norms(), *depthwise]:
            module.requires_grad_(False)
        fold_norms(self.features)

    def frozen_modules(self) -> list[nn.Module]:
        """The stages whose weights training does not change."""
        if self.frozen_stages == 0:
            return []
        stem = [self.features.conv_stem, self.features.bn1]
        return [*stem, *self.features.blocks[: self.frozen_stages - 1]]

    def depthwise(self) -> list[nn.Conv2d]:
        """All convolutions of one channel each."""
        convs = [each for each in self.features.modules() if isinstance(each, nn.Conv2d)]
        return [conv for conv in convs if conv.groups > 1]

    def norms(self) -> list[nn.Module]:
        """All batch norms."""
        return [each for each in self.features.modules() if isinstance(each, nn.BatchNorm2d)]

    def init_weights(self) -> None:
        """Loads the pretrained weights.

        Raises:
            UserError: They are not in the cache.
        """
        if not self.pretrained:
            return
        path = cache_folder("weights") / f"{self.name}.pth"
        if not path.is_file():
            raise UserError(
                f"The ImageNet weights of {self.name} are not at {path}. "
                "Fetch them with: umop data weights CONFIG"
            )
        weights = torch.load(path, map_location="cpu", weights_only=True)
        missing, _ = self.features.load_state_dict(weights, strict=False)
        if missing:
            raise UserError(f"{path} lacks {len(missing)} tensors, {missing[0]} first. Delete it.")

    def train(self, mode: bool = True) -> TimmBackbone:
        """Sets training mode; batch norms keep their statistics."""
        super().train(mode)
        for norm in self.norms():
            norm.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Computes the feature maps, each (N, C, H / stride, W / stride), of (N, 3, H, W)."""
        return tuple(self.features(images))
