"""Folders of runs, made without training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config

from umop.data.coco import LabelledImage, write_coco
from umop.evaluation import coco_result
from umop.evaluation.keep import write_evaluation
from umop.runs.folder import RunFolder
from umop.runs.speed import Speed

WIDTH, HEIGHT = 160, 120
STEPS = (10, 20, 30)
SCALARS = ("loss", "loss_cls", "lr", "gamma_0", "gamma_1", "share_0", "share_1")
START: dict[str, Any] = {
    "command": "umop train trees --data " + "x" * 200,
    "commit": "0123456789abcdef",
    "clean": True,
    "started": "2026-01-02T03:04:05+00:00",
    "seed": 0,
    "devices": ["a GPU"],
    "versions": {"torch": "2.11.0"},
    "first_iteration": 1,
}
END = {"ended": "2026-01-02T04:24:05+00:00", "last_iteration": 30, "exit_code": 0}


def made_run(
    folder: Path,
    classes: tuple[str, ...] = ("tree", "bush"),
    count: int = 6,
    is_evaluated: bool = True,
    end: dict[str, Any] = END,
    lr: float = 0.01,
) -> RunFolder:
    """A run that was trained on noise, and found some of the boxes that are said to be in it.

    Args:
        folder: The run's folder.
        classes: Of its data.
        count: How many there are to evaluate.
        is_evaluated: Whether its evaluation is kept.
        end: How its only start ended.
        lr: A setting.
    """
    run = RunFolder(folder)
    data = folder.parent / f"{folder.name}-data"
    (data / "val").mkdir(parents=True)
    random = np.random.default_rng(0)
    images = [drawn(data / "val" / f"{i}.png", random, classes) for i in range(count)]
    for split in ("train", "val"):
        write_coco(data / f"{split}.json", images, classes)
    folder.mkdir()
    config = config_of(data, lr)
    config.dump(run.config)
    scalars = [{"iter": step, **dict.fromkeys(SCALARS, lr / step)} for step in STEPS]
    lines = [*scalars, {"iter": 20, "AP": 0.25, "AP50": 0.5}]
    run.metrics_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run.provenance.write_text(json.dumps([{**START, **end}]))
    Speed(31.2, 50, "a processor", WIDTH, HEIGHT, 2.304, 3_325_323).write(run.speed)
    if is_evaluated:
        checkpoint = folder / "best.pth"
        checkpoint.write_bytes(b"weights")
        annotations = data / "val.json"
        write_evaluation(
            run.evaluation, coco_result(annotations, found_in(annotations)), config, checkpoint
        )
    return run


def drawn(path: Path, random: np.random.Generator, classes: tuple[str, ...]) -> LabelledImage:
    """Writes an image of noise that is said to have three boxes."""
    cv2.imwrite(str(path), random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    corners = np.array([[left, 20, left + 40, 60] for left in (5, 55, 105)], np.float64)
    return LabelledImage(path.name, WIDTH, HEIGHT, corners, random.integers(0, len(classes), 3))


def found_in(annotations: Path) -> list[dict[str, Any]]:
    """Detections: every third true box is missed, every fifth is taken for the next class."""
    content = json.loads(annotations.read_text())
    boxes, classes = content["annotations"], len(content["categories"])
    return [
        {
            "image_id": each["image_id"],
            "category_id": (each["category_id"] - (number % 5 > 0)) % classes + 1,
            "bbox": each["bbox"],
            "score": 0.9 - number / 1000,
        }
        for number, each in enumerate(boxes)
        if number % 3
    ]


def config_of(data: Path, lr: float) -> Config:
    """The parts of a config that a report reads."""
    loaders = {
        f"{split}_dataloader": {
            "dataset": {
                "data_root": str(data),
                "ann_file": f"{'train' if split == 'train' else 'val'}.json",
                "data_prefix": {"img": "val/"},
            }
        }
        for split in ("train", "val", "test")
    }
    return Config({**loaders, "work_dir": str(data), "optim_wrapper": {"optimizer": {"lr": lr}}})
