"""Steps of the data pipeline that mmdet does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.datasets.transforms import Resize
from mmengine.registry import TRANSFORMS
from numpy.typing import NDArray

from umop.data.images import read_bgr


@TRANSFORMS.register_module(name=["LoadImage", "LoadPicture"])  # as in configs of 0.1
class LoadImage(BaseTransform):
    """Reads an image as serving does: upright, transparency laid over white.

    Args:
        keep_bytes: Most bytes of images that are kept, in each process, to be read again.

    Raises:
        UserError: The file is missing, or is no image.
    """

    def __init__(self, keep_bytes: int = 0) -> None:
        self._keep_bytes = keep_bytes
        self._kept: dict[str, NDArray[np.uint8]] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Adds ``img``, BGR, uint8 of shape (H, W, 3), and its shapes."""
        pixels = self._read(str(results["img_path"]))
        shape = pixels.shape[:2]
        return {**results, "img": pixels, "img_shape": shape, "ori_shape": shape}

    def _read(self, path: str) -> NDArray[np.uint8]:
        """Reads an image, or takes it from those that were read last."""
        pixels = self._kept.pop(path, None)
        if pixels is None:
            pixels = read_bgr(Path(path))
        if pixels.nbytes <= self._keep_bytes:
            self._kept[path] = pixels
        while sum(each.nbytes for each in self._kept.values()) > self._keep_bytes:
            del self._kept[next(iter(self._kept))]
        return pixels


@TRANSFORMS.register_module()
class StretchedResize(Resize):
    """Scales images as ``keep_ratio`` does, and stretches them at random.

    Args:
        stretch: Most that the ratio of width to height becomes larger or smaller by.
    """

    scale: tuple[int, int]

    def __init__(self, *args: Any, stretch: float, **kwargs: Any) -> None:
        super().__init__(*args, keep_ratio=False, **kwargs)
        self.stretch = stretch

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Scales ``img`` and ``gt_bboxes``."""
        height, width = results["img_shape"]
        factor = min(max(self.scale) / max(height, width), min(self.scale) / min(height, width))
        ratio = self.stretch ** np.random.uniform(-0.5, 0.5)
        box = self.scale
        self.scale = max(1, round(width * factor * ratio)), max(1, round(height * factor / ratio))
        try:
            stretched: dict[str, Any] = super().transform(results)
        finally:
            self.scale = box
        return stretched
