"""Small data sets that tests write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 48
Coco = dict[str, Any]


def draw(path: Path, seed: int, width: int = WIDTH, height: int = HEIGHT, **options: Any) -> Path:
    """Writes an image of large soft spots that are like those of no other seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    spots = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
    return path


def coco(
    root: Path, counts: dict[str, int] | None = None, classes: Sequence[str] = ("cat", "dog")
) -> Path:
    """Writes plain COCO: in each image a box of each class."""
    seed = 0
    for split, count in (counts or {"train": 12, "val": 10}).items():
        content: Coco = {"images": [], "annotations": [], "categories": []}
        content["categories"] = [{"id": i + 1, "name": name} for i, name in enumerate(classes)]
        for number in range(1, count + 1):
            seed += 1
            name = f"{split} {number}.png"
            draw(root / split / name, seed)
            size = {"width": WIDTH, "height": HEIGHT}
            content["images"].append({"id": number, "file_name": name, **size})
            for label in range(len(classes)):
                content["annotations"].append(
                    {
                        "id": len(content["annotations"]) + 1,
                        "image_id": number,
                        "category_id": label + 1,
                        "bbox": [5 + 20 * label, 6, 18, 20 + label],
                    }
                )
        (root / f"{split}.json").write_text(json.dumps(content))
    return root
