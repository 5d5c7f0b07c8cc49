"""Draws what UMOP's loss is worth on data of your own: the figure of docs/benchmarks.md.

    python benchmarks/own_data.py SET… --config small --config plain_small --out own_data
    python benchmarks/worth.py own_data docs/images/worth.png

Left: AP of `small` less that of `plain_small`, a point for each pair of the same data and seed.
Right: γ of `small`'s levels, averaged by their positives, over the steps of the first seed that has
a run.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from own_data_tables import gains_of, interval
from own_data_trials import RESULTS, Trial, read_lines

PAIR = "small", "plain_small"
LEVELS = range(4)
POINTS = 40
"""Points of a curve, over which the lines of its training are averaged."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("results", type=Path, help="the --out of own_data.py")
    parser.add_argument("figure", type=Path)
    options = parser.parse_args()
    rows = [row for row in read_lines(options.results / RESULTS) if not row["variant"]]
    gains = gains_of({(row["config"], row["data"], row["seed"]): row["AP"] for row in rows}, *PAIR)
    if not gains:
        parser.error(
            f"{options.results / RESULTS} has no small and plain_small of the same data and seed, "
            "without a variant. Train both with own_data.py: --config small --config plain_small"
        )
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    draw_pairs(gains, left)
    draw_gamma(rows, options.results / "runs", right)
    figure.savefig(options.figure, dpi=120)


def draw_pairs(gains: dict[str, list[float]], axis: Axes) -> None:
    """Draws a line of points for each data set, and prints their means and intervals."""
    for place, (data, values) in enumerate(gains.items()):
        axis.plot(values, [place] * len(values), "o", color="C0", alpha=0.6)
        axis.plot(mean(values), place, "|", color="black", markersize=18)
        print(f"{data}: {interval(values)}")
    print(f"all: {interval([value for values in gains.values() for value in values])}")
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set_yticks(range(len(gains)), list(gains))
    axis.margins(y=0.2)
    axis.locator_params(axis="x", nbins=6)
    axis.set(title="AP with UMOP's loss less AP with plain focal loss")


def draw_gamma(rows: list[dict[str, Any]], runs: Path, axis: Axes) -> None:
    """Draws a curve for each data set: γ over the share of steps, of the first seed with a run."""
    trials = [trial for trial in map(Trial.of, rows) if trial.config == PAIR[0]]
    for data in dict.fromkeys(trial.data for trial in trials):
        seeds = sorted(trial.seed for trial in trials if trial.data == data)
        logs = (runs / Trial(data, PAIR[0], "", seed).run / "metrics.jsonl" for seed in seeds)
        log = next((each for each in logs if each.exists()), None)
        if log is not None:
            lines = [line for line in read_lines(log) if "gamma_0" in line]
            axis.plot(*gamma_curve(lines), label=data)
    axis.axhspan(1.5, 2.5, alpha=0.12, color="grey")
    axis.set(title="γ, which is held to 1.5 … 2.5", xlabel="share of training")
    axis.legend(frameon=False)


def gamma_curve(lines: list[dict[str, float]]) -> tuple[list[float], list[float]]:
    """The shares of training, and γ averaged by the positives of the levels and over neighbours."""
    length = max(1, len(lines) // POINTS)
    parts = [lines[start : start + length] for start in range(0, len(lines), length)]
    shares = [part[-1]["iter"] / lines[-1]["iter"] for part in parts]
    return shares, [_mean_gamma(part) for part in parts]


def _mean_gamma(lines: list[dict[str, float]]) -> float:
    pairs = [
        (line[f"gamma_{level}"], line[f"positives_{level}"]) for line in lines for level in LEVELS
    ]
    return sum(gamma * positives for gamma, positives in pairs) / sum(count for _, count in pairs)


if __name__ == "__main__":
    main()
