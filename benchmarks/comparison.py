"""What it takes to compare two runs: matching their detections, and drawing the images anew.

    python benchmarks/comparison.py 500 5000

The data is that of evaluation.py: 10 true boxes of 80 classes and 100 detections an image. Seconds
are the processor's; the memory is what comes on top of the detections.
"""

from __future__ import annotations

import multiprocessing
import sys
import time

from evaluation import synthetic
from memory import forget_peak, resident_peak

from umop.evaluation.compare import Comparison
from umop.evaluation.matches import Matches


def main() -> None:
    print(
        "| images | matching a run | drawing for both | memory | AP | interval of the difference |"
    )
    print("|---|---|---|---|---|---|")
    for images in map(int, sys.argv[1:]):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(f"| {images} | {pool.apply(measure, (images,))} |", flush=True)


def measure(images: int) -> str:
    """The last five cells of a row; the second run has the first's detections but every tenth."""
    truth, detections = synthetic(images)
    forget_peak()
    before, busy = resident_peak(), time.process_time()
    a = Matches.of(truth, detections)
    matching = time.process_time() - busy
    b = Matches.of(truth, [each for place, each in enumerate(detections) if place % 10])
    busy = time.process_time()
    mean = Comparison.of(a, b).mean
    drawing = time.process_time() - busy
    memory = (resident_peak() - before) / 2**20
    low, high = mean.interval
    cells = (f"{matching:.1f} s", f"{drawing:.1f} s", f"{memory:.0f} MiB", f"{mean.a:.4f}")
    return " | ".join((*cells, f"{low:+.4f} to {high:+.4f}"))


if __name__ == "__main__":
    main()
