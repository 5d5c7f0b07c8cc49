"""A small data set of the class that the demo has, and a config that trains on it in seconds."""

from __future__ import annotations

import json
from pathlib import Path

from tests.serving.images import encode, paint

ITERATIONS = 60
CONFIG = f"""
_base_ = "demo"

model = dict(backbone=dict(pretrained=False), neck=dict(out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32, stacked_convs=1))
train_dataloader = dict(batch_size=2)
train_cfg = dict(max_iters={ITERATIONS}, val_interval={ITERATIONS})
default_hooks = dict(checkpoint=dict(interval=10))
custom_hooks = [dict(type="MetricsHook", interval=1)]
"""


def write_data(folder: Path) -> None:
    """Writes the images in COCO's layout, and ``squares.py`` beside them."""
    for split in ("train", "val"):
        write_split(folder, split)
    (folder / "squares.py").write_text(CONFIG)


def write_split(folder: Path, split: str) -> None:
    """Four images of a square each."""
    (folder / split).mkdir(parents=True)
    images, annotations = [], []
    for number in range(4):
        left = 64 * number
        (folder / split / f"{number}.png").write_bytes(
            encode(paint(320, 320, ("red", left, left, 64)))
        )
        images.append({"id": number, "file_name": f"{number}.png", "width": 320, "height": 320})
        box = {"bbox": [left, left, 64, 64], "area": 4096, "iscrowd": 0, "category_id": 1}
        annotations.append({"id": number + 1, "image_id": number, **box})
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "tree"}],
    }
    (folder / f"{split}.json").write_text(json.dumps(document))


def iterations(run: Path) -> int:
    """How far the training in a run's folder is."""
    metrics = run / "metrics.jsonl"
    if not metrics.exists():
        return 0
    lines = metrics.read_text().split("\n")[:-1]
    return max((json.loads(line).get("iter", 0) for line in lines), default=0)
