"""Labels a few more images a round, chosen by uncertainty or by chance, and compares AP50.

    python benchmarks/active_learning.py SET FOLDER --first 100 --each 50 --rounds 5 --seeds 3

For each seed, some images of the set's training part have labels at first. A round trains `small`
on what has labels (`--options`, from the weights of the round before), exports the run, and detects
in all other images. Those that the model is most unsure of get their labels next, in the order of
`umop data captured`; or images chosen by chance. Every run is evaluated on the set's validation
part. What is in FOLDER is not made again, and what was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from own_data_tables import interval

import umop
from umop.data.conversion.captured import certainty
from umop.data.preparation.custom import read_data

RULES = ("random", "uncertain")
HEADER = "| labelled images | AP50, random | AP50, uncertain | difference, 95 % interval |"


@dataclass(frozen=True)
class Pool:
    """A set's images, of which any can be given their labels.

    Attributes:
        root: The folder that the names of images are relative to.
        contents: Each split in COCO's form.
    """

    root: Path
    contents: dict[str, dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """The images to choose from."""
        return sorted(each["file_name"] for each in self.contents["train"]["images"])

    def write(self, folder: Path, names: Sequence[str]) -> None:
        """Writes a data set with the labels of some of the images, and all for validation."""
        for split, content in self.contents.items():
            kept = content["images"]
            if split == "train":
                kept = [each for each in kept if each["file_name"] in names]
            ids = {each["id"] for each in kept}
            boxes = [each for each in content["annotations"] if each["image_id"] in ids]
            for image in kept:
                target = folder / image["file_name"]
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    target.symlink_to((self.root / image["file_name"]).resolve())
            written = {**content, "images": kept, "annotations": boxes}
            (folder / f"{split}.json").write_text(json.dumps(written))


def main() -> None:
    """Trains all rounds, and prints the table."""
    arguments = parse()
    folder = arguments.folder.resolve()
    found = read_data(arguments.set, folder / "source")
    pool = Pool(found.root, found.contents)
    rows: dict[int, list[dict[str, float]]] = {}
    for seed in range(arguments.seeds):
        results = {rule: rounds(pool, folder, rule, seed, arguments) for rule in RULES}
        for labelled in results["random"]:
            row = {rule: results[rule][labelled] for rule in RULES}
            rows.setdefault(labelled, []).append(row)
        print_table(rows)


def rounds(
    pool: Pool, folder: Path, rule: str, seed: int, arguments: argparse.Namespace
) -> dict[int, float]:
    """Trains on more and more images; AP50 by their number."""
    random = np.random.default_rng(seed)
    order = random.permutation(pool.names).tolist()
    labelled, others = order[: arguments.first], order[arguments.first :]
    previous: Path | None = None
    ap50 = {}
    for number in range(arguments.rounds + 1):
        name = f"seed{seed}-{rule if number else 'first'}-{len(labelled)}"
        previous = trained(pool, folder, name, labelled, previous, seed, arguments.options)
        run = umop.Run(previous)
        ap50[len(labelled)] = run.metrics["AP50"]
        if number < arguments.rounds:
            if rule == "uncertain":
                others = most_uncertain_first(pool, run, others)
            labelled, others = labelled + others[: arguments.each], others[arguments.each :]
    return ap50


def trained(
    pool: Pool,
    folder: Path,
    name: str,
    labelled: Sequence[str],
    previous: Path | None,
    seed: int,
    options: str,
) -> Path:
    """Trains a run on the labelled images; its folder.

    Args:
        pool: The images.
        folder: Where runs and their data go.
        name: Of the run.
        labelled: The names of the images that have labels.
        previous: The run whose weights it starts from; ImageNet's where None.
        seed: Of the training.
        options: More options of ``umop train``.
    """
    pool.write(folder / "data" / name, labelled)
    command = ["small", "--data", f"data/{name}", "--run", name, "--seed", str(seed)]
    command += [] if previous is None else ["--weights", str(previous)]
    umop_in(folder, "train", *command, *shlex.split(options))
    return folder / "runs" / name


def most_uncertain_first(pool: Pool, run: umop.Run, names: Sequence[str]) -> list[str]:
    """Orders images by what a run finds in them."""
    order = run.folder / "most_uncertain_first.json"
    if not order.is_file():
        umop_in(run.folder.parents[1], "export", run.name)
        found = umop.Detector.load(run.bundle).predict([pool.root / name for name in names])
        by_certainty = sorted(
            (certainty(each.scores.tolist()), name) for name, each in zip(names, found, strict=True)
        )
        order.write_text(json.dumps([name for _, name in by_certainty]))
    return list(json.loads(order.read_text()))


def umop_in(folder: Path, *command: str) -> None:
    """Runs a command of UMOP in a folder."""
    subprocess.run(
        [sys.executable, "-m", "umop.cli", *command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def print_table(rows: dict[int, list[dict[str, float]]]) -> None:
    """Prints the mean over seeds at each number of labelled images."""
    print(f"{HEADER}\n|---|---|---|---|")
    for labelled, seeds in sorted(rows.items()):
        means = " | ".join(f"{mean(each[rule] for each in seeds):.3f}" for rule in RULES)
        differences = [each["uncertain"] - each["random"] for each in seeds]
        print(f"| {labelled} | {means} | {interval(differences)} |", flush=True)


def parse() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path, help="a data set in any layout")
    parser.add_argument("folder", type=Path, help="where the data of rounds and the runs go")
    parser.add_argument("--first", type=int, default=100, help="images with labels at first")
    parser.add_argument("--each", type=int, default=50, help="images that a round adds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--options", default="", help="options of umop train")
    return parser.parse_args()


if __name__ == "__main__":
    main()
