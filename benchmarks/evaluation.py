"""COCO's twelve numbers of synthetic annotations: the time and memory that evaluation takes.

    python benchmarks/evaluation.py 500 5000

Each image has 10 true boxes of 80 classes and 100 detections, half of them near true boxes. Both
implementations take turns, each in a process of its own; the time includes reading the
annotations, the memory is what comes on top of the detections.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from memory import forget_peak, resident_peak
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from umop.evaluation import coco_box_metrics

CLASSES = 80
TRUE_BOXES = 10
SIDE = 640
Records = list[dict[str, Any]]


def main() -> None:
    print("| images | implementation | seconds | processor | memory | AP |")
    print("|---|---|---|---|---|---|")
    for images in map(int, sys.argv[1:]):
        for name in ("umop", "pycocotools"):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cells = pool.apply(measure, (name, images))
            print(f"| {images} | {name} | {cells} |", flush=True)


def measure(name: str, images: int) -> str:
    """The last four cells of a row."""
    truth, detections = synthetic(images)
    evaluate: Callable[[Path, Records], float] = by_umop if name == "umop" else by_pycocotools
    with TemporaryDirectory() as folder:
        file = Path(folder) / "truth.json"
        file.write_text(json.dumps(truth))
        forget_peak()
        before, started, busy = resident_peak(), time.perf_counter(), time.process_time()
        score = evaluate(file, detections)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    memory = (resident_peak() - before) / 2**20
    return f"{seconds:.1f} s | {busy:.1f} s | {memory:.0f} MiB | {score:.4f}"


def by_umop(file: Path, detections: Records) -> float:
    return coco_box_metrics(file, detections)["AP"]


def by_pycocotools(file: Path, detections: Records) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(file))
        evaluation = COCOeval(truth, truth.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def synthetic(count: int, detected: int = 100) -> tuple[dict[str, Any], Records]:
    """Ground truth, and so many detections an image; half of them are near true boxes."""
    random = np.random.default_rng(0)
    annotations: Records = []
    detections: Records = []
    for image_id in range(1, count + 1):
        boxes = random_boxes(random, TRUE_BOXES)
        classes = random.integers(1, CLASSES + 1, TRUE_BOXES)
        for box, category in zip(boxes, classes, strict=True):
            about = {"id": len(annotations) + 1, "iscrowd": 0, "area": float(box[2] * box[3])}
            annotations.append({**record(image_id, box, category), **about})
        copies, others = detected // (2 * TRUE_BOXES), detected // 2
        near = boxes.repeat(copies, 0) + random.normal(0, 6, (copies * TRUE_BOXES, 4))
        found = [*near.clip(1), *random_boxes(random, others)]
        labels = [*classes.repeat(copies), *random.integers(1, CLASSES + 1, others)]
        detections += [
            {**record(image_id, box, label), "score": random.random()}
            for box, label in zip(found, labels, strict=True)
        ]
    images = [
        {"id": number, "file_name": f"{number}.jpg", "width": SIDE, "height": SIDE}
        for number in range(1, count + 1)
    ]
    categories = [{"id": number + 1, "name": str(number)} for number in range(CLASSES)]
    return {"images": images, "annotations": annotations, "categories": categories}, detections


def record(image_id: int, box: Any, category: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": int(category), "bbox": box.tolist()}


def random_boxes(random: np.random.Generator, count: int) -> Any:
    """Boxes (x, y, width, height) of 8 to 300 pixels, float64, shape (count, 4)."""
    sides = np.exp(random.uniform(np.log(8), np.log(300), (count, 2)))
    return np.concatenate([random.uniform(0, SIDE - 1, (count, 2)), sides], axis=1)


if __name__ == "__main__":
    main()
