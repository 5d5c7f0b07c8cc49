"""Milliseconds of bundles' networks in ONNX Runtime, beside each other.

    python benchmarks/networks.py 640x512 runs/demo/demo.bundle runs/demo_int8/demo.bundle

The networks take turns, with one thread, so that a busy machine hurts all of them alike; the
processor's time counts neither other work nor waiting. Ratios are to the first bundle.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from serving.bundle import Bundle
from serving.inference.engines import open_engine

RUNS = 25


def main() -> None:
    """Prints a row for each bundle."""
    width, height = map(int, sys.argv[1].split("x"))
    paths = sys.argv[2:]
    image = np.random.default_rng(0).random((1, 3, height, width), np.float32) * 2 - 1
    engines = [open_engine(Bundle.open(Path(path)), threads=1, device="cpu") for path in paths]
    processor: list[list[float]] = [[] for _ in paths]
    wall: list[list[float]] = [[] for _ in paths]
    for engine in engines:
        engine.run(image)
    for _ in range(RUNS):
        for engine, used, passed in zip(engines, processor, wall, strict=True):
            used_before, before = process_time(), perf_counter()
            engine.run(image)
            used.append(1000 * (process_time() - used_before))
            passed.append(1000 * (perf_counter() - before))

    print("| bundle | processor | | wall | |\n|---|---|---|---|---|")
    for path, used, passed in zip(paths, processor, wall, strict=True):
        columns = (
            f"{median(times):.1f} ms | {median(first) / median(times):.2f} ×"
            for first, times in ((processor[0], used), (wall[0], passed))
        )
        print(f"| {path} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
