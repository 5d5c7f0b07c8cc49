"""YOLO as Ultralytics reads it: ``data.yaml``, ``images/train/``, ``labels/train/``."""

from __future__ import annotations

from pathlib import Path

import yaml

from umop.data.formats.format import Format, Labelled


def _write(target: Path, labelled: Labelled) -> None:
    data = labelled.data
    numbers = {name: number for number, name in enumerate(data.classes)}
    for index, image, name in labelled.images():
        sides = float(image.width or 1), float(image.height or 1)
        lines = [
            f"{numbers[label]} {_line(corners, sides)}\n"
            for label, corners, _ in labelled.boxes_of(index)
        ]
        path = (target / "labels" / str(image.split) / name).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines))
    description = {split: f"images/{split}" for split in data.splits()}
    content = {**description, "names": dict(enumerate(data.classes))}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (target / "data.yaml").write_text(text, encoding="utf-8")


def _line(corners: list[float], sides: tuple[float, float]) -> str:
    """A box as YOLO writes it: centre and size in parts of the sides."""
    (x1, y1, x2, y2), (width, height) = corners, sides
    values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return " ".join(f"{value:.8f}" for value in values)


FORMAT = Format("yolo", "YOLO", "images/{split}", _write)
