"""Trains `small`, or another config, on data of any folder: what a user gets, and for how long.

    python benchmarks/own_data.py SET… --seeds 3 --variant "" --variant "--epochs 12"

Sets × variants × seeds; each is the command `umop train CONFIG --data SET --device cpu`, with one
thread, in a process of its own. A variant is what comes behind it, such as `--time 5m` or
`--set model.neck.out_channels=96`. What is finished is in results.jsonl and is not repeated; what
was stopped goes on where it was. The table has the mean over seeds of AP, AP50, AR100, AP without
regard to classes (what is left then is in the boxes), the processor's seconds of the whole command,
and the curve: AP at each evaluation, after so many seconds. Where there are several variants or
configs, a second table has their differences to the first, by pairs of the same data and seed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from itertools import chain, product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.stats import t

METRICS = ("AP", "AP50", "AR100", "agnostic")
RESULTS = "results.jsonl"
HEADER = (
    "| set | variant | seeds | AP | AP50 | AR100 | AP, classes aside | processor "
    "| AP after seconds |\n|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        data: Name of the data set's folder.
        config: What is trained.
        variant: What is asked of it.
        seed: Of its randomness.
    """

    data: str
    config: str
    variant: str
    seed: int

    @property
    def run(self) -> str:
        """The name of its run."""
        variant = hashlib.sha256(self.variant.encode()).hexdigest()[:8]
        return f"{self.data}-{self.config}-{variant}-{self.seed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--config", action="append", help="again for several; small unless given")
    parser.add_argument("--variant", action="append", help="again for several; none unless given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("own_data"))
    options = parser.parse_args()
    folders = {folder.name: folder.resolve() for folder in options.sets}
    options.out.mkdir(parents=True, exist_ok=True)
    rows = read_lines(options.out / RESULTS)
    names = options.config or ["small"], options.variant or [""], range(options.seeds)
    trials = [Trial(*each) for each in product(folders, *names)]
    known = [{key: row[key] for key in asdict(trials[0])} for row in rows]
    for trial in trials:
        if asdict(trial) not in known:
            row = asdict(trial) | train(trial, folders[trial.data], options.out)
            append(options.out / RESULTS, row)
            rows.append(row)
    rows = [row for row in rows if row["data"] in folders]
    print_table(rows)
    print_differences(rows)


def train(trial: Trial, data: Path, out: Path) -> dict[str, Any]:
    """Trains, or goes on; returns what was measured."""
    command = [sys.executable, "-m", "umop.cli", "train", trial.config, "--data", str(data)]
    command += ["--device", "cpu", "--seed", str(trial.seed), "--run", trial.run]
    spent = out / f"{trial.run}.jsonl"
    before = busy()
    try:
        subprocess.run(
            [*command, *trial.variant.split()],
            cwd=out,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    finally:
        append(spent, {"seconds": busy() - before})
    seconds = sum(line["seconds"] for line in read_lines(spent))
    return {"seconds": round(seconds), **measured(out / "runs" / trial.run, seconds)}


def busy() -> float:
    """Processor seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(run: Path, seconds: float) -> dict[str, Any]:
    """The metrics of a run's best checkpoint, and AP at each evaluation by processor seconds."""
    metrics = json.loads((run / "evaluation.json").read_text())["metrics"]
    lines = [line for line in read_lines(run / "metrics.jsonl") if "AP" in line]
    last = lines[-1]["iter"]
    return {
        "AP": metrics["AP"],
        "AP50": metrics["AP50"],
        "AR100": metrics["AR100"],
        "agnostic": class_agnostic_ap(run),
        "curve": [(round(seconds * line["iter"] / last), line["AP"]) for line in lines],
    }


def class_agnostic_ap(run: Path) -> float:
    """AP of a run's detections where any class counts as found."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(run / "annotations" / "val.json")
        found = truth.loadRes(json.loads((run / "detections.json").read_text()))
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.useCats = 0
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def print_table(rows: list[dict[str, Any]]) -> None:
    """Prints a line for each set, config and variant, seeds together."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["data"], f"{row['config']} {row['variant']}".strip()].append(row)
    print(HEADER)
    for (data, variant), group in sorted(groups.items()):
        values = " | ".join(spread([row[metric] for row in group]) for metric in METRICS)
        seconds = mean(row["seconds"] for row in group)
        print(
            f"| {data} | `{variant}` | {len(group)} | {values} | {seconds:.0f} s | {curve(group)} |"
        )


def print_differences(rows: list[dict[str, Any]]) -> None:
    """Prints how each variant differs in AP from the first, by pairs of the same data and seed."""
    named = [(f"{row['config']} {row['variant']}".strip(), row) for row in rows]
    first, *others = dict.fromkeys(variant for variant, _ in named)
    ap = {(variant, row["data"], row["seed"]): row["AP"] for variant, row in named}
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


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def append(path: Path, line: dict[str, Any]) -> None:
    """Writes a line, which is not lost when what comes next is stopped."""
    with path.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
