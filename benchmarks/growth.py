"""How processor time and memory grow with the number of images, from evaluation to report.

    python benchmarks/growth.py 5000 50000 118000

Synthetic annotations with 10 true boxes of 80 classes and 20 detections an image; one image
with as many names as are needed is on the disk. Each row is a process of its own: ``evaluation``
computes the twelve numbers and their analysis, ``check`` is that before training with a config,
``report`` counts what the data has. Memory is what comes on top of the detections: 6 GiB for the
evaluation of 50,000 images.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from evaluation import CLASSES, SIDE, Records, synthetic
from memory import forget_peak, resident_peak
from mmengine.config import ConfigDict

from umop.data.check import check
from umop.data.preparation.configured import read_sets
from umop.evaluation.analysis import Analysis
from umop.evaluation.coco import coco_result
from umop.report.data import split_facts

DETECTED = 20
LINKS = 10_000
ANNOTATIONS, IMAGES = "truth.json", "images"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("images", type=int, nargs="+")
    parser.add_argument("--only", choices=WORK, nargs="+", default=list(WORK))
    options = parser.parse_args()
    print("| | images | processor | for 1000 | memory | for 1000 |\n|---|---|---|---|---|---|")
    for name in options.only:
        for images in options.images:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                seconds, mebibytes = pool.submit(measure, name, images).result()
            thousands = images / 1000
            shares = f"{seconds / thousands:.3f} s", f"{mebibytes / thousands:.1f} MiB"
            cells = f"{seconds:.1f} s | {shares[0]} | {mebibytes:.0f} MiB | {shares[1]}"
            print(f"| {name} | {images} | {cells} |", flush=True)


def measure(name: str, images: int) -> tuple[float, float]:
    """Processor seconds and mebibytes of one kind of work."""
    truth, detections = synthetic(images, DETECTED)
    with TemporaryDirectory() as folder:
        (Path(folder) / ANNOTATIONS).write_text(json.dumps(truth))
        del truth
        if name == "check":
            link_images(Path(folder) / IMAGES, images)
        forget_peak()
        before, started = resident_peak(), busy()
        WORK[name](Path(folder), detections)
        seconds = busy() - started
    return seconds, (resident_peak() - before) / 2**20


def busy() -> float:
    """Processor seconds so far, those of ended children included."""
    return sum(os.times()[:4])


def evaluate(folder: Path, detections: Records) -> None:
    Analysis.of(coco_result(folder / ANNOTATIONS, detections)).to_json()


def check_data(folder: Path, detections: Records) -> None:
    dataset = ConfigDict(
        data_root=str(folder),
        ann_file=ANNOTATIONS,
        data_prefix={"img": IMAGES},
        metainfo={"classes": [str(number) for number in range(CLASSES)]},
    )
    check(read_sets({"train": dataset}), decode=False)


def report(folder: Path, detections: Records) -> None:
    split_facts("training", json.loads((folder / ANNOTATIONS).read_text()))


def link_images(folder: Path, count: int) -> None:
    """One image under all names; a file system allows some ten thousand of one file."""
    folder.mkdir()
    for number in range(1, count + 1):
        path, first = (folder / f"{each}.jpg" for each in (number, number - number % LINKS or 1))
        if path == first:
            cv2.imwrite(str(path), np.zeros((SIDE, SIDE, 3), np.uint8))
        else:
            path.hardlink_to(first)


WORK: dict[str, Callable[[Path, Any], None]] = {
    "evaluation": evaluate,
    "check": check_data,
    "report": report,
}

if __name__ == "__main__":
    main()
