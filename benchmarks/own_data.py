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
import io
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any

from own_data_tables import print_differences, print_table
from own_data_trials import RESULTS, Trial, append, known_rows, read_lines
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

INTERRUPTED = 128 + signal.SIGINT


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
    file = Path(trial.config)
    config = str(file.resolve()) if file.is_file() else trial.config
    command = [sys.executable, "-m", "umop.cli", "train", config, "--data", str(data)]
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


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
