"""The tables of own_data.py: means over seeds, and differences by pairs with their intervals."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from statistics import mean, stdev
from typing import Any

from own_data_trials import Trial
from scipy.stats import t

METRICS = ("AP", "AP50", "AR100", "agnostic")
HEADER = (
    "| set | variant | seeds | AP | AP50 | AR100 | AP, classes aside | processor "
    "| AP after seconds |\n|---|---|---|---|---|---|---|---|---|"
)


def print_table(rows: dict[Trial, dict[str, Any]]) -> None:
    """Prints a line for each set, config and variant, seeds together."""
    groups = defaultdict(list)
    for trial, row in rows.items():
        groups[trial.data, trial.asked].append(row)
    print(HEADER)
    for (data, asked), group in groups.items():
        values = " | ".join(spread([row[metric] for row in group]) for metric in METRICS)
        seconds = mean(row["seconds"] for row in group)
        print(
            f"| {data} | `{asked}` | {len(group)} | {values} | {seconds:.0f} s | {curve(group)} |"
        )


def print_differences(rows: dict[Trial, dict[str, Any]], asked: list[str]) -> None:
    """Prints how others differ in AP from the first, by pairs of the same data and seed.

    Args:
        rows: What was measured.
        asked: What was asked for: the first, and those that are compared with it.
    """
    first, *others = asked
    ap = {(trial.asked, trial.data, trial.seed): row["AP"] for trial, row in rows.items()}
    if others:
        print(
            f"\n| than `{first}` | pairs | AP, 95 % interval | sets that gain |\n|---|---|---|---|"
        )
    for other in others:
        gains = gains_of(ap, other, first)
        pairs = list(chain.from_iterable(gains.values()))
        better = sum(mean(each) > 0 for each in gains.values())
        print(f"| `{other}` | {len(pairs)} | {interval(pairs)} | {better} of {len(gains)} |")


def gains_of(ap: dict[tuple[str, str, int], float], one: str, other: str) -> dict[str, list[float]]:
    """For each data set how far one is ahead of the other, seed by seed.

    Args:
        ap: AP by what was trained, data and seed.
        one: What may be ahead.
        other: What it is compared with; seeds that it lacks are left out.
    """
    gains = defaultdict(list)
    for _, data, seed in [key for key in ap if key[0] == one and (other, *key[1:]) in ap]:
        gains[data].append(ap[one, data, seed] - ap[other, data, seed])
    return gains


def interval(values: list[float]) -> str:
    """Mean and 95 % confidence interval by Student's t; the mean alone of fewer than two."""
    if len(values) < 2:
        return f"{mean(values):+.3f}" if values else ""
    half = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):+.3f} ± {half:.3f}"


def spread(values: list[float]) -> str:
    """Mean and, of several, sample standard deviation."""
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def curve(group: list[dict[str, Any]]) -> str:
    """The mean curve of seeds that were evaluated as often."""
    points = zip(*(row["curve"] for row in group), strict=False)
    means = [[mean(values) for values in zip(*point, strict=True)] for point in points]
    return ", ".join(f"{ap:.2f} ({seconds:.0f})" for seconds, ap in means)
