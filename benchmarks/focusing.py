"""Draws how a run's condition and γ went, level by level: the figure of docs/method.md.

python benchmarks/focusing.py runs/cells/metrics.jsonl docs/images/focusing.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt

STRIDES = (8, 16, 32, 64, 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in arguments.metrics.read_text().splitlines()]
    draw([line for line in lines if "gamma_0" in line], arguments.out)


def draw(lines: list[dict[str, float]], out: Path) -> None:
    """Draws the levels that had positives in most of the lines; a point for each that had."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharex=True, layout="constrained")
    for level, stride in enumerate(STRIDES):
        shown = [line for line in lines if line.get(f"positives_{level}", 0) > 0]
        if len(shown) < len(lines) / 2:
            continue
        iterations = [line["iter"] for line in shown]
        for axis, name in zip(axes, ("condition", "gamma"), strict=True):
            values = [line[f"{name}_{level}"] for line in shown]
            axis.plot(iterations, values, label=f"stride {stride}")
    axes[0].set(title="condition: mean(−log p) of the positives", ylabel="nats", ylim=(0, None))
    axes[1].set(title="γ: the condition, held to 1.5 … 2.5")
    axes[0].axhspan(1.5, 2.5, alpha=0.15, color="grey")
    for axis in axes:
        axis.set_xlabel("iteration")
        axis.legend(frameon=False)
    figure.savefig(out, dpi=120)


if __name__ == "__main__":
    main()
