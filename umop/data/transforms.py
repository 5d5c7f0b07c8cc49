"""Steps of the data pipeline that mmdet does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from umop.data.images import read_bgr


@TRANSFORMS.register_module(name=["LoadImage", "LoadPicture"])  # as in configs of 0.1
class LoadImage(BaseTransform):
    """Reads an image as serving does: upright, transparency laid over white.

    Raises:
        UserError: The file is missing, or is no image.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Adds ``img``, BGR, uint8 of shape (H, W, 3), and its shapes."""
        pixels = read_bgr(Path(results["img_path"]))
        shape = pixels.shape[:2]
        return {**results, "img": pixels, "img_shape": shape, "ori_shape": shape}
