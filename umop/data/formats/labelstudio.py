"""Label Studio: tasks to import for each split, and the labelling interface, ``config.xml``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from serving.shared import labelstudio_interface, labelstudio_region, labelstudio_task
from umop.data.dataset import Image
from umop.data.formats.format import Format, Labelled

_LOCAL = "/data/local-files/?d=images/"


def _write(target: Path, labelled: Labelled) -> None:
    for split in labelled.data.splits():
        tasks = [
            _task(labelled, index, image, name) for index, image, name in labelled.images(split)
        ]
        text = json.dumps(tasks, ensure_ascii=False, indent=1)
        (target / f"{split}.json").write_text(text + "\n", encoding="utf-8")
    interface = labelstudio_interface(labelled.data.classes)
    (target / "config.xml").write_text(interface, encoding="utf-8")


def _task(labelled: Labelled, index: int, image: Image, name: str) -> dict[str, Any]:
    """An image with its boxes: a person's, or a model's to correct."""
    size = image.width or 1, image.height or 1
    result = [
        labelstudio_region(f"{index}-{number}", label, corners, size, score)
        for number, (label, corners, score) in enumerate(labelled.boxes_of(index))
    ]
    kind = "annotations" if labelled.scores is None else "predictions"
    return labelstudio_task(_LOCAL + quote(name), **{kind: {"result": result}})


FORMAT = Format("labelstudio", "Label Studio", "images", _write)
