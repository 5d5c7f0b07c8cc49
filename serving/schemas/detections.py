"""The JSON that ``/detect`` answers with, whichever backend found the objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field


class Box(BaseModel):
    """Corners in the pixels of the image as sent, turned upright."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2."""
        return self.x1, self.y1, self.x2, self.y2


class Detection(BaseModel):
    """One object."""

    label: str = Field(description="The class's name.")
    class_id: int = Field(description="The class's index in the model's list of classes.")
    score: float = Field(ge=0, le=1)
    box: Box


class ImageInfo(BaseModel):
    """Size of the image, turned upright."""

    width: int
    height: int

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


class ModelRef(BaseModel):
    """Which model answered."""

    name: str
    version: str


class DetectResponse(BaseModel):
    """Objects found in one image, best first."""

    model: ModelRef
    image: ImageInfo
    detections: list[Detection]
    timing_ms: dict[str, float] = Field(description="Milliseconds spent in each stage.")


@dataclass(frozen=True)
class DetectionResult:
    """What a backend found in one image.

    Attributes:
        model: The model that found it.
        image: The image's size, upright.
        detections: Best first.
        seconds: Time spent in each stage.
        classes: All class names in the order of the model that was asked; none where who asked has
            them. Another model may have answered in its place.
    """

    model: ModelRef
    image: ImageInfo
    detections: list[Detection]
    seconds: Mapping[str, float]
    classes: Sequence[str] = ()

    def names_its_classes(self) -> bool:
        """Whether each detection's index is that of its label in ``classes``."""
        ids = {name: index for index, name in enumerate(self.classes)}
        return all(ids.get(each.label) == each.class_id for each in self.detections)

    def response(self) -> DetectResponse:
        """Returns the answer to ``/detect``."""
        return DetectResponse(
            model=self.model,
            image=self.image,
            detections=self.detections,
            timing_ms={stage: round(1000 * spent, 3) for stage, spent in self.seconds.items()},
        )
