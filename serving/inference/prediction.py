"""What was found in one image, for Python programs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.bundle.schema import Manifest, Size
from serving.inference import draw
from serving.inference.postprocess import Detections, name_detections
from serving.inference.sources import ImageSource
from serving.schemas.coco import to_coco
from serving.schemas.detections import DetectionResult, ImageInfo, ModelRef

_MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """Objects found in one image, best first.

    Attributes:
        source: The image.
        size: The image's, upright.
        detections: What was found.
        manifest: That of the model.
    """

    source: ImageSource
    size: Size
    detections: Detections
    manifest: Manifest

    def __len__(self) -> int:
        return len(self.detections)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in Counter(self.labels).items())
        return f"<Prediction: {self.source.name}, {counts or 'nothing found'}>"

    @property
    def boxes(self) -> NDArray[np.float32]:
        """x1, y1, x2, y2 in the image's pixels, float32, shape (n, 4)."""
        return self.detections.boxes

    @property
    def scores(self) -> NDArray[np.float32]:
        """In 0–1, float32, shape (n,)."""
        return self.detections.scores

    @property
    def class_ids(self) -> NDArray[np.int64]:
        """Indices of the classes in the model's list, int64, shape (n,)."""
        return self.detections.labels

    @property
    def labels(self) -> list[str]:
        """Names of the classes."""
        return [self.manifest.classes[index] for index in self.class_ids]

    def plot(self) -> Image.Image:
        """Returns the image, read again, with boxes and labels on it.

        Raises:
            OSError: Its file is gone.
        """
        return draw.annotate(self.source.pixels(), self._result().detections)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the image with boxes and labels as a JPEG or PNG, by the name; returns its path.

        Raises:
            ValueError: The name has another suffix.
            OSError: It cannot be written, or the image's file is gone.
        """
        path = Path(path)
        media_type = _MEDIA_TYPES.get(path.suffix.lower())
        if media_type is None:
            raise ValueError(f"{path}: name it .jpg or .png")
        path.write_bytes(draw.encode(self.plot(), media_type))
        return path

    def to_dict(self) -> dict[str, Any]:
        """Returns what ``POST /detect`` answers, without its times."""
        return self._result().response().model_dump(exclude={"timing_ms"})

    def to_coco(self) -> dict[str, Any]:
        """Returns a COCO data set of this image, whose annotations have scores."""
        found = [(self.source.name, self._result())]
        return to_coco(found, self.manifest.classes).model_dump(mode="json")

    def to_supervision(self) -> Any:
        """Returns a ``supervision.Detections``.

        Raises:
            ImportError: The package is not installed.
        """
        try:
            from supervision import Detections as SupervisionDetections
        except ImportError as error:
            raise ImportError(
                "to_supervision() needs the package supervision: pip install supervision"
            ) from error
        return SupervisionDetections(
            xyxy=self.boxes,
            confidence=self.scores,
            class_id=self.class_ids,
            data={"class_name": np.array(self.labels, dtype=np.str_)},
        )

    def _result(self) -> DetectionResult:
        return DetectionResult(
            model=ModelRef(name=self.manifest.name, version=self.manifest.version),
            image=ImageInfo(width=self.size.width, height=self.size.height),
            detections=name_detections(self.detections, self.manifest.classes),
            seconds={},
        )
