"""Small data sets, as bug reports have them, and what the check says of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.umop.data.layouts.writers import write
from tests.umop.data.samples import HEIGHT, WIDTH, draw
from umop.data.check import Report
from umop.data.dataset import DataSet

ORIENTATION = 0x0112
LINES = "0 0.25 0.4 0.2 0.4\n1 0.7 0.5 0.3 0.5\n"
BOXES = ([10, 8, 12, 18], [35, 12, 18, 24])


def pair(root: Path, image: str, label: str | None, lines: str = LINES, **options: Any) -> None:
    """Draws an image that is like no other, and writes its label file."""
    draw(root / image, sum(map(ord, image)) * len(image), **options)
    if label is not None:
        write(root / label, lines)


def yolo(root: Path, count: int = 10, suffix: str = ".jpg", **options: Any) -> None:
    """YOLO without YAML: ``images/``, ``labels/`` and ``classes.txt``."""
    for i in range(count):
        pair(root, f"images/img_{i:02}{suffix}", f"labels/img_{i:02}.txt", **options)
    write(root / "classes.txt", "cat\ndog\n")


def coco_json(names: Sequence[str], crowd: bool = False) -> dict[str, Any]:
    """COCO with a cat and a dog in each image; all dogs may be crowds."""
    images, annotations = [], []
    for number, name in enumerate(names, start=1):
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for category, box in enumerate(BOXES, start=1):
            key, is_crowd = len(annotations) + 1, int(crowd and category == 2)
            entry = {"id": key, "image_id": number, "category_id": category, "bbox": box}
            annotations.append({**entry, "iscrowd": is_crowd})
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco(root: Path, file: str, names: Sequence[str], **options: Any) -> None:
    write(root / file, json.dumps(coco_json(names, **options)))


def drawn(root: Path, names: Sequence[str]) -> Sequence[str]:
    for name in names:
        pair(root, name, None)
    return names


def counts(data: DataSet) -> dict[str | None, int]:
    splits = data.splits() or (None,)
    return {split: int(data.in_split(split).sum()) for split in splits}


def texts(report: Report, rule: str) -> list[str]:
    return [each.text for each in report.findings if each.rule == rule]
