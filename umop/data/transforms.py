"""Steps of the data pipeline that mmdet does not have."""

from __future__ import annotations

from typing import Any

import cv2
from mmcv.transforms import LoadImageFromFile
from mmengine.registry import TRANSFORMS

from umop.errors import UserError


@TRANSFORMS.register_module()
class LoadPicture(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` that names a picture it cannot read.

    Raises:
        UserError: The file is missing, or is no picture.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Adds ``img``, BGR, uint8 of shape (H, W, 3), and its shapes."""
        try:
            loaded: dict[str, Any] | None = super().transform(results)
        except (AssertionError, OSError, cv2.error) as error:
            path = results["img_path"]
            raise UserError(
                f"{path} cannot be read as a picture. Replace it, or take it out of the "
                f"annotations. ({type(error).__name__})"
            ) from error
        return loaded
