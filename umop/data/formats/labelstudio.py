"""Label Studio: tasks to import for each split, and the labelling interface, ``config.xml``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from serving.shared import element, text_of
from umop.data.dataset import Image
from umop.data.formats.format import Format, Labelled

_IMAGE, _LABEL = "image", "label"
_LOCAL = "/data/local-files/?d=images/"


def _write(target: Path, labelled: Labelled) -> None:
    for split in labelled.data.splits():
        tasks = [
            _task(labelled, index, image, name) for index, image, name in labelled.images(split)
        ]
        text = json.dumps(tasks, ensure_ascii=False, indent=1)
        (target / f"{split}.json").write_text(text + "\n", encoding="utf-8")
    view = ElementTree.Element("View")
    element(view, "Image", name=_IMAGE, value=f"${_IMAGE}")
    labels = element(view, "RectangleLabels", name=_LABEL, toName=_IMAGE)
    for name in labelled.data.classes:
        element(labels, "Label", value=name)
    (target / "config.xml").write_text(text_of(view), encoding="utf-8")


def _task(labelled: Labelled, index: int, image: Image, name: str) -> dict[str, Any]:
    """An image with its boxes: a person's, or a model's to correct."""
    result = [
        _region(f"{index}-{number}", image, label, corners, score)
        for number, (label, corners, score) in enumerate(labelled.boxes_of(index))
    ]
    kind = "annotations" if labelled.scores is None else "predictions"
    return {"data": {_IMAGE: _LOCAL + quote(name)}, kind: [{"result": result}]}


def _region(
    key: str, image: Image, label: str, corners: list[float], score: float | None
) -> dict[str, Any]:
    """A box, whose places are percents of the sides."""
    x1, y1, x2, y2 = corners
    width, height = image.width or 1, image.height or 1
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


FORMAT = Format("labelstudio", "Label Studio", "images", _write)
