"""Label Studio's tasks, and the interface that they are labelled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from serving.schemas.xml import element, text_of

_IMAGE, _LABEL = "image", "label"


def labelstudio_interface(classes: Iterable[str]) -> str:
    """The content of ``config.xml``: rectangles of these classes, in the order of their labels."""
    view = ElementTree.Element("View")
    element(view, "Image", name=_IMAGE, value=f"${_IMAGE}")
    labels = element(view, "RectangleLabels", name=_LABEL, toName=_IMAGE)
    for name in classes:
        element(labels, "Label", value=name)
    return text_of(view)


def labelstudio_task(url: str, **entries: dict[str, Any]) -> dict[str, Any]:
    """A task: an image, and ``annotations`` by a person or ``predictions`` to correct."""
    return {"data": {_IMAGE: url}, **{kind: [entry] for kind, entry in entries.items()}}


def labelstudio_region(
    key: str,
    label: str,
    corners: Sequence[float],
    size: tuple[int, int],
    score: float | None = None,
) -> dict[str, Any]:
    """A box, whose places are percents of the image's sides.

    Args:
        key: Its id in the task.
        label: Its class.
        corners: x1, y1, x2, y2 in pixels.
        size: The image's width and height.
        score: How sure a model is; None where a person has drawn it.
    """
    (x1, y1, x2, y2), (width, height) = corners, size
    region = {
        "id": key,
        "type": "rectanglelabels",
        "from_name": _LABEL,
        "to_name": _IMAGE,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": 100 * x1 / width,
            "y": 100 * y1 / height,
            "width": 100 * (x2 - x1) / width,
            "height": 100 * (y2 - y1) / height,
            "rotation": 0,
            "rectanglelabels": [label],
        },
    }
    return region if score is None else {**region, "score": score}
