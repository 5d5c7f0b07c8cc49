"""Milliseconds a batch of a bundle's network in each engine, and in compiled PyTorch.

    python benchmarks/engines.py runs/demo/demo.bundle

``torch.compile`` and AOTInductor compile the bundle's ``model.pt2`` for this machine first.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from serving.bundle import Bundle
from serving.inference.engines import open_engine

BATCHES = (1, 8)
SHAPE = (3, 416, 416)
RUNS = 10

Run = Callable[[np.ndarray], object]


def main() -> None:
    bundle = Bundle.open(Path(sys.argv[1]))
    program = torch.export.load(io.BytesIO(bundle.read("model.pt2")))
    show("ONNX Runtime", 0, open_engine(bundle, "onnxruntime").run)
    show(
        "PyTorch, eager (the engine `torch`)",
        0,
        open_engine(bundle, "torch", trust_program=True).run,
    )

    started = perf_counter()
    compiled = torch.compile(program.module(check_guards=False), dynamic=True)
    compiled(torch.zeros(2, *SHAPE))
    show("torch.compile", perf_counter() - started, on_tensors(compiled))

    program.example_inputs = ((torch.zeros(2, *SHAPE),), {})
    with TemporaryDirectory() as folder:
        started = perf_counter()
        package = torch._inductor.aoti_compile_and_package(
            program, package_path=str(Path(folder) / "model.pt2")
        )
        loaded = torch._inductor.aoti_load_package(package)
        show("AOTInductor", perf_counter() - started, on_tensors(loaded))


def on_tensors(network: Callable[[Tensor], object]) -> Run:
    """Gives a network of tensors an engine's signature."""

    def run(batch: np.ndarray) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(batch))

    return run


def show(name: str, preparation: float, run: Run) -> None:
    """Prints a row: seconds to compile, and the median time of a run for each batch."""
    times = [f"{1000 * seconds(run, batch):.0f} ms" for batch in BATCHES]
    print(f"| {name} | {preparation:.0f} s | {' | '.join(times)} |", flush=True)


def seconds(run: Run, batch: int) -> float:
    """The median time of a run."""
    images = np.random.default_rng(0).random((batch, *SHAPE), np.float32)
    run(images)
    times = []
    for _ in range(RUNS):
        started = perf_counter()
        run(images)
        times.append(perf_counter() - started)
    return median(times)


if __name__ == "__main__":
    main()
