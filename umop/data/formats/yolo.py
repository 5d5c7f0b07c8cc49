"""YOLO as Ultralytics reads it: ``data.yaml``, ``images/train/``, ``labels/train/``."""

from __future__ import annotations

from pathlib import Path

import yaml

from serving.shared import yolo_line
from umop.data.formats.format import Format, Labelled


def _write(target: Path, labelled: Labelled) -> None:
    data = labelled.data
    numbers = {name: number for number, name in enumerate(data.classes)}
    for index, image, name in labelled.images():
        sides = image.width or 1, image.height or 1
        lines = [
            yolo_line(numbers[label], corners, sides)
            for label, corners, _ in labelled.boxes_of(index)
        ]
        path = (target / "labels" / str(image.split) / name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines))
    description = {split: f"images/{split}" for split in data.splits()}
    content = {**description, "names": dict(enumerate(data.classes))}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (target / "data.yaml").write_text(text, encoding="utf-8")


FORMAT = Format("yolo", "YOLO", "images/{split}", _write)
