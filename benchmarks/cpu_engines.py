"""Milliseconds of one thread for an image of 640 × 512, in each engine for processors.

    python benchmarks/cpu_engines.py IMAGE runs/demo/demo.bundle runs/int8/int8.bundle

From pixels to detections; the bundles and engines take turns. It is the processor's time, which
other work on the machine hardly changes. The last column is relative to the first row. An engine
that is not installed is left out.
"""

from __future__ import annotations

import importlib.util
import sys
from itertools import product
from pathlib import Path
from statistics import median
from time import process_time

import cv2

from serving.inference.detector import Detector

ENGINES = ("onnxruntime", "openvino")
SIZE = (640, 512)
RUNS = 31


def main() -> None:
    """Prints the table."""
    image = cv2.resize(cv2.imread(sys.argv[1])[..., ::-1], SIZE)
    contenders = {
        (Path(bundle).stem, engine): Detector.load(bundle, engine=engine, threads=1)
        for bundle, engine in product(sys.argv[2:], filter(importlib.util.find_spec, ENGINES))
    }
    times: dict[tuple[str, str], list[float]] = {key: [] for key in contenders}
    for _ in range(RUNS):
        for key, detector in contenders.items():
            started = process_time()
            detector.detect([image])
            times[key].append(process_time() - started)
    first = median(next(iter(times.values())))
    print("| bundle | engine | milliseconds | |\n|---|---|---|---|")
    for (bundle, engine), each in times.items():
        print(f"| {bundle} | {engine} | {1000 * median(each):.1f} | {first / median(each):.2f} × |")


if __name__ == "__main__":
    main()
