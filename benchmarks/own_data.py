"""Trains `small`, or another config, on data of any folder: what a user gets, and for how long.

    python benchmarks/own_data.py SET… --seeds 3 --variant "" --variant "--epochs 12"

Sets × variants × seeds; each is the command `umop train CONFIG --data SET --device cpu`, with one
thread, in a process of its own. A variant is what comes behind it, such as `--time 5m` or
`--set model.neck.out_channels=96`. What is finished is in results.jsonl and is not repeated; what
was stopped goes on where it was. The table has the mean over seeds of AP, AP50, AR100, AP without
regard to classes (what is left then is in the boxes), the processor's seconds of the whole command,
and the curve: AP at each evaluation, after so many seconds. Where several variants or configs are
asked for, a second table has their differences to the first, by pairs of the same data and seed.

Ctrl-C waits until the training is saved. Where a training fails, the others are made all the same,
and the exit code is 1. Results know a set by the name of its folder, so that two folders of one
name need an `--out` each.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import chain, product
from pathlib import Path
from statistics import mean, stdev
from types import FrameType
from typing import TYPE_CHECKING, Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.stats import t

if TYPE_CHECKING:
    from typing_extensions import Self

METRICS = ("AP", "AP50", "AR100", "agnostic")
RESULTS = "results.jsonl"
INTERRUPTED = 128 + signal.SIGINT
NAME_OF_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,85}")
"""What a run's name may begin with, so that there is room for the variant and the seed."""
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

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """The trial that a row of the results is of."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @property
    def asked(self) -> str:
        """What is trained and how, as the tables name it."""
        return f"{self.config} {self.variant}".strip()

    @property
    def run(self) -> str:
        """The name of its run, with a digest where names of runs do not take the set's."""
        what = f"{self.data}-{self.config}"
        if not NAME_OF_RUN.fullmatch(what):
            what = f"{re.sub('[^A-Za-z0-9]+', '-', what)[:60]}-{digest(what)}".lstrip("-")
        return f"{what}-{digest(self.variant)}-{self.seed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET")
    parser.add_argument("--config", action="append", help="again for several; small unless given")
    parser.add_argument(
        "--variant",
        action="append",
        type=command_line,
        help="again for several; none unless given",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("own_data"))
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error("--seeds has to be 1 or more.")
    try:
        folders = folders_by_name(options.sets)
        known = known_rows(options.out / RESULTS, folders)
    except ValueError as mistake:
        parser.error(str(mistake))
    options.out.mkdir(parents=True, exist_ok=True)
    names = options.config or ["small"], options.variant or [""], range(options.seeds)
    trials = list(dict.fromkeys(Trial(*each) for each in product(folders, *names)))
    for trial in trials:
        if trial not in known:
            known |= trained_row(trial, folders[trial.data], options.out)
    rows = {trial: known[trial] for trial in trials if trial in known}
    if rows:
        print_table(rows)
        print_differences(rows, list(dict.fromkeys(trial.asked for trial in trials)))
    if len(rows) < len(trials):
        sys.exit(1)


def command_line(text: str) -> str:
    """A variant as it was typed.

    Raises:
        ValueError: A quotation mark in it is not closed.
    """
    shlex.split(text)
    return text


def folders_by_name(sets: Sequence[Path]) -> dict[str, Path]:
    """The folders of the sets, resolved, by the names that they are given with.

    Raises:
        ValueError: One is not a folder, or two have one name.
    """
    folders: dict[str, Path] = {}
    for given in sets:
        folder = given.resolve()
        name = given.name if given.is_symlink() else folder.name
        if not folder.is_dir():
            raise ValueError(f"{given} is not a folder.")
        if folders.setdefault(name, folder) != folder:
            raise ValueError(
                f"{folders[name]} and {folder} have one name. Rename one, or train it into another "
                "folder with --out."
            )
    return folders


def known_rows(results: Path, folders: dict[str, Path]) -> dict[Trial, dict[str, Any]]:
    """The rows that are in the results.

    Rows of before folders were kept are taken as those of the set of their name.

    Raises:
        ValueError: A row is of another folder than the set of its name.
    """
    rows = {Trial.of(row): row for row in read_lines(results)}
    for trial, row in rows.items():
        folder = str(folders.get(trial.data, ""))
        if folder and row.get("folder", folder) != folder:
            raise ValueError(
                f"{results} has {trial.data} from {row['folder']}, not from {folder}. Rename the "
                "folder, or choose another --out."
            )
    return rows


def trained_row(trial: Trial, folder: Path, out: Path) -> dict[Trial, dict[str, Any]]:
    """Trains, and writes a row of results; none, but a line to stderr, where training fails."""
    try:
        row = {**asdict(trial), "folder": str(folder), **train(trial, folder, out)}
    except subprocess.CalledProcessError as failed:
        what = f"{trial.asked} on {trial.data}, seed {trial.seed}"
        print(f"{what}: training failed with exit code {failed.returncode}.", file=sys.stderr)
        return {}
    append(out / RESULTS, row)
    return {trial: row}


def train(trial: Trial, data: Path, out: Path) -> dict[str, Any]:
    """Trains, or goes on; returns what was measured.

    Raises:
        KeyboardInterrupt: Training was stopped, and is saved.
        subprocess.CalledProcessError: Training failed.
    """
    command = [sys.executable, "-m", "umop.cli", "train", trial.config, "--data", str(data)]
    command += ["--device", "cpu", "--seed", str(trial.seed), "--run", trial.run]
    spent = out / f"{trial.run}.jsonl"
    before = busy()
    try:
        run_to_its_end([*command, *shlex.split(trial.variant)], out)
    finally:
        append(spent, {"seconds": busy() - before})
    seconds = sum(line["seconds"] for line in read_lines(spent))
    return {"seconds": round(seconds), **measured(out / "runs" / trial.run, seconds)}


def run_to_its_end(command: Sequence[str], folder: Path) -> None:
    """Runs a command in a folder, on one thread, and waits for it even where SIGINT comes.

    SIGINT is passed on at once, because `kill` sends it to this process alone. After Ctrl-C, which
    a terminal sends to both, the command gets it twice; `umop train` takes two within a second as
    one.

    Raises:
        KeyboardInterrupt: SIGINT came, and the command has ended.
        subprocess.CalledProcessError: The command failed.
    """
    running: list[subprocess.Popen[bytes]] = []
    passed_on: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        passed_on.append(number)
        for process in running:
            process.send_signal(number)

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    before = signal.signal(signal.SIGINT, pass_on)
    try:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        running.append(process)
        if passed_on:
            process.send_signal(signal.SIGINT)
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if passed_on:
        raise KeyboardInterrupt
    if code:
        raise subprocess.CalledProcessError(code, command)


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
    """AP of a run's detections where any class counts as found; 0 of none."""
    detections = json.loads((run / "detections.json").read_text())
    if not detections:
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(run / "annotations" / "val.json")
        found = truth.loadRes(detections)
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.useCats = 0
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


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


def digest(text: str) -> str:
    """Eight digits that tell a text from others."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def append(path: Path, line: dict[str, Any]) -> None:
    """Writes a line, which is not lost when what comes next is stopped."""
    with path.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
