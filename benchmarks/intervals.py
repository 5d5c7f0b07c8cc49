"""Draws what ``umop compare A B --json`` prints: the figure of docs/training.md.

umop compare cards-1 cards-2 --json > compared.json
python benchmarks/intervals.py compared.json docs/images/compare.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

WORSE, BETTER, NEITHER = "#c0392b", "#2e8b57", "#7f8c8d"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("compared", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    compared = json.loads(arguments.compared.read_text())
    draw([compared["mean"], *compared["classes"]], arguments.out)


def draw(differences: list[dict[str, Any]], out: Path) -> None:
    """Draws a line for each difference: the interval, and a point where B − A is."""
    figure, axis = plt.subplots(figsize=(7, 0.6 + 0.36 * len(differences)), layout="constrained")
    for place, each in enumerate(differences):
        low, high = each["interval"]
        colour = WORSE if high < 0 else BETTER if low > 0 else NEITHER
        axis.plot((low, high), (place, place), color=colour, linewidth=3)
        axis.plot(each["b"] - each["a"], place, "o", color=colour)
    names = [each["name"] or "all classes" for each in differences]
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.axvline(0, color="black", linewidth=1)
    axis.set_xlabel("difference of AP, B − A, and its interval; red: B is worse")
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main()
