"""Detections as a COCO document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from serving.schemas.detections import Detection, DetectionResult


class CocoImage(BaseModel):
    """An image."""

    id: int
    file_name: str
    width: int
    height: int


class CocoAnnotation(BaseModel):
    """An object: ``bbox`` is x, y, width, height in pixels, ``area`` their product."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: int
    score: float


class CocoCategory(BaseModel):
    """A class."""

    id: int
    name: str


class CocoDocument(BaseModel):
    """Detections as a COCO data set (cocodataset.org/#format-data) whose annotations have scores.

    Ids count from 1; a category's id is its class index plus 1. Classes that the list of the model
    lacks follow: those of another model, which answered in its place.
    """

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


def to_coco(found: Sequence[tuple[str, DetectionResult]], classes: Sequence[str]) -> CocoDocument:
    """Returns detections as one COCO document.

    Args:
        found: Images' names and what was found in them.
        classes: All class names, in the model's order.
    """
    ids = ids_by_class(classes)
    images: list[CocoImage] = []
    annotations: list[CocoAnnotation] = []
    for image_id, (name, image) in enumerate(found, 1):
        width, height = image.image.width, image.image.height
        images.append(CocoImage(id=image_id, file_name=name, width=width, height=height))
        for detection in image.detections:
            annotations.append(annotation(len(annotations) + 1, image_id, detection, ids))
    return CocoDocument(images=images, annotations=annotations, categories=list(categories(ids)))


def ids_by_class(classes: Sequence[str]) -> dict[str, int]:
    """Returns the category id of each class in the model's order."""
    return {name: place for place, name in enumerate(classes, 1)}


def categories(ids: Mapping[str, int]) -> Iterator[CocoCategory]:
    """Goes over the categories of classes."""
    for name, id in ids.items():
        yield CocoCategory(id=id, name=name)


def annotation(id: int, image_id: int, detection: Detection, ids: dict[str, int]) -> CocoAnnotation:
    """Returns a detection as an annotation.

    Args:
        id: The annotation's.
        image_id: The image's.
        detection: The detection.
        ids: Category ids by class; a class that it lacks is added.
    """
    box = detection.box
    width, height = box.x2 - box.x1, box.y2 - box.y1
    return CocoAnnotation(
        id=id,
        image_id=image_id,
        category_id=ids.setdefault(detection.label, len(ids) + 1),
        bbox=(box.x1, box.y1, width, height),
        area=width * height,
        iscrowd=0,
        score=detection.score,
    )
