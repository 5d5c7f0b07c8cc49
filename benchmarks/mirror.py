"""Seconds that a mirrored checkpoint adds to a training step: with an S3 server on this machine.

    python benchmarks/mirror.py             # in a clone whose tests have run once

``demo`` is trained with and without ``--mirror`` by turns, and saves every few iterations: 40 MB,
and 14 MB where it is the best so far. The iteration behind a save has the save in its time, and
meanwhile the upload runs. Server and training share the processor, unlike where storage is, so the
processor's seconds of the training's own processes are printed, too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.training_step import draw_data
from tests.storage import BUCKET, storage_server
from umop.runs.folder import RunFolder
from umop.runs.snapshot import Snapshot

ROOT = Path(__file__).parents[1]
WARM_UP = 3
SIDES = ("plain", "mirrored")


@dataclass
class Measured:
    """What one side took.

    Attributes:
        seconds: Of iterations, by how far behind a save they are.
        busy: Processor seconds of each run's own processes.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)

    def of(self, places: Iterable[int]) -> list[float]:
        return [each for place in places for each in self.seconds.get(place, [])]


def main() -> None:
    """Prints a line for each kind of iteration, and what a save costs by itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--interval", type=int, default=5, help="iterations between two saves")
    parser.add_argument("--images", type=int, default=6, help="images in a batch")
    options = parser.parse_args()
    sides = {side: Measured() for side in SIDES}
    with TemporaryDirectory() as place, storage_server() as storage:
        os.environ |= {**storage.variables(), "AWS_ENDPOINT_URL": storage.behind}
        folder = Path(place)
        data = draw_data(folder / "discs")
        for turn in range(options.rounds):
            for side in SIDES if turn % 2 == 0 else reversed(SIDES):
                command = arguments(data, f"{side}-{turn}", options)
                command += ["--mirror", f"s3://{BUCKET}/runs"] if side == "mirrored" else []
                before = children()
                train(folder, command)
                sides[side].busy.append(children() - before)
                read(folder / "runs" / f"{side}-{turn}", sides[side], options.interval)
        opened = time_of_a_snapshot(folder / "runs" / "mirrored-0")
    show("behind a save", sides, [0])
    show("next to it", sides, [1])
    show("all others", sides, range(2, options.interval))
    plain, mirrored = (median(sides[side].busy) for side in SIDES)
    saves = options.iterations // options.interval
    print(f"training waits {1000 * opened:.1f} ms for a save to be offered")
    print(f"a save takes {(mirrored - plain) / saves:.2f} s of the processor   ({saves} saves)")


def arguments(data: Path, run: str, options: argparse.Namespace) -> list[str]:
    changes = {
        "train_cfg.max_iters": options.iterations,
        "train_dataloader.batch_size": options.images,
        "default_hooks.checkpoint.interval": options.interval,
        "custom_hooks.1.interval": 1,
        "log_processor.window_size": 1,
        "model.backbone.pretrained": False,
    }
    command = ["train", "demo", "--data", str(data), "--run", run]
    return command + [
        part for name, value in changes.items() for part in ("--set", f"{name}={value}")
    ]


def train(folder: Path, command: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    whole = [sys.executable, "-m", "umop.cli", *command]
    subprocess.run(whole, cwd=folder, env=environment, check=True, capture_output=True)


def children() -> float:
    """Processor seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(run: Path, side: Measured, interval: int) -> None:
    """Adds a run's iterations to those of its side."""
    for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        if "time" in line and line["iter"] > WARM_UP:
            side.seconds.setdefault((line["iter"] - 1) % interval, []).append(line["time"])


def time_of_a_snapshot(run: Path) -> float:
    """Seconds that training waits for: a run's files are opened, and uploaded behind it."""
    taken = []
    for _ in range(20):
        start = perf_counter()
        snapshot = Snapshot.of(RunFolder(run), 1)
        taken.append(perf_counter() - start)
        snapshot.close()
    return median(taken)


def show(what: str, sides: dict[str, Measured], places: Iterable[int]) -> None:
    plain, mirrored = (sides[side].of(places) for side in SIDES)
    print(
        f"{what:14} {median(plain):.3f} s without, {median(mirrored):.3f} s with: "
        f"{median(mirrored) - median(plain):+.3f} s   ({len(plain)} and {len(mirrored)} iterations)"
    )


if __name__ == "__main__":
    main()
