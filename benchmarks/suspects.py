"""Corrupts a tenth of a set's labels, trains on them, and counts how many are among the suspects.

    python benchmarks/suspects.py SET FOLDER --options "--time 8m"

The copy in ``FOLDER/data`` has as many wrong labels of each kind: dropped, shifted by 20 to 40 % of
both sides, of another class, and added where nothing is. Which they are stands in
``corruptions.json``; the seed (`--seed`) chooses them. `umop train small` runs with the options,
`umop data suspects` lists what it suspects. A suspect is right where it points at a corruption:
its box or what was found overlaps the label, as it is or as it was, with an IoU of 0.5.
Each corruption counts once. What the set's makers have left out counts as not right. What is there
is not made again.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval.core import mask

from umop.data.preparation.custom import read_data

Box = dict[str, Any]
KINDS = ("drop", "shift", "class", "add")
LOOKED_AT = (25, 50, 100, 200)
TRIES = 50
HEADER = "| first | right | precision | of them drop, shift, class, add |\n|---|---|---|---|"


def main() -> None:
    """Corrupts, trains, lists, and prints the table."""
    arguments = parse()
    folder = arguments.folder.resolve()
    if not (folder / "corruptions.json").is_file():
        corrupt(arguments.set, folder, arguments.share, arguments.seed)
    options = shlex.split(arguments.options)
    umop(folder, "train", "small", "--data", str(folder / "data"), "--run", "run", *options)
    umop(folder, "data", "suspects", "run")
    corruptions = json.loads((folder / "corruptions.json").read_text())
    with (folder / "runs" / "run" / "suspects.csv").open(newline="") as file:
        suspects = list(csv.DictReader(file))
    print(f"{len(corruptions)} labels are corrupted, {len(suspects)} are suspects\n\n{HEADER}")
    right = [found for _, found in zip(suspects, judged(suspects, corruptions), strict=True)]
    for first in sorted({min(each, len(suspects)) for each in LOOKED_AT}):
        kinds = Counter(each for each in right[:first] if each)
        each_kind = ", ".join(str(kinds[kind]) for kind in KINDS)
        total = kinds.total()
        print(f"| {first} | {total} | {total / first:.2f} | {each_kind} |")


def umop(folder: Path, *command: str) -> None:
    """Runs a command of UMOP in a folder."""
    subprocess.run([sys.executable, "-m", "umop.cli", *command], cwd=folder, check=True)


def corrupt(data: Path, folder: Path, share: float, seed: int) -> None:
    """Writes a copy of a set with some of its labels wrong, and the list of them.

    Args:
        data: The set.
        folder: Where the copy goes.
        share: Of the labels, from 0 to 1.
        seed: Chooses the labels and what happens to them.
    """
    found = read_data(data, folder / "source")
    corrupter = Corrupter(np.random.default_rng(seed))
    for split, content in found.contents.items():
        for image in content["images"]:
            target = folder / "data" / image["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found.root / image["file_name"], target)
        corrupter.corrupt(content, share)
        (folder / "data" / f"{split}.json").write_text(json.dumps(content))
    (folder / "corruptions.json").write_text(json.dumps(corrupter.done, indent=1) + "\n")


class Corrupter:
    """Makes labels wrong.

    Args:
        random: Chooses.

    Attributes:
        done: Image and kind of each corruption, and the boxes before and after.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.done: list[dict[str, Any]] = []

    def corrupt(self, content: dict[str, Any], share: float) -> None:
        """Changes a share of the boxes of a split in COCO's form."""
        images = {each["id"]: each for each in content["images"]}
        boxes: list[Box] = content["annotations"]
        by_image = defaultdict(list)
        for each in boxes:
            by_image[each["image_id"]].append(each["bbox"])
        chosen = self.random.choice(len(boxes), round(share * len(boxes)), replace=False)
        for number, index in enumerate(chosen.tolist()):
            box, image = boxes[index], images[boxes[index]["image_id"]]
            before, kind = list(box["bbox"]), KINDS[number % len(KINDS)]
            after: list[float] | None = before
            if kind == "drop":
                box["dropped"], after = True, None
            elif kind == "shift":
                after = box["bbox"] = self.shifted(before, image)
            elif kind == "class":
                others = [each["id"] for each in content["categories"]]
                others.remove(box["category_id"])
                box["category_id"] = int(self.random.choice(others))
            elif after := self.free_place(before, image, by_image[image["id"]]):
                number = max(each["id"] for each in boxes) + 1
                boxes.append({**box, "id": number, "bbox": after})
                by_image[image["id"]].append(after)
            else:
                continue
            places = [each for each in (before if kind != "add" else None, after) if each]
            self.done.append({"image": image["file_name"], "kind": kind, "boxes": places})
        content["annotations"] = [each for each in boxes if "dropped" not in each]

    def shifted(self, box: list[float], image: dict[str, Any]) -> list[float]:
        """A box moved by 20 to 40 % of its sides, towards the middle where it is at an edge."""
        sides, size = np.array(box[2:]), np.array([image["width"], image["height"]])
        by = self.random.choice([-1, 1], 2) * self.random.uniform(0.2, 0.4, 2) * sides
        start = np.array(box[:2])
        is_out = (start + by < 0) | (start + by + sides > size)
        moved = np.clip(start + np.where(is_out, -by, by), 0, np.maximum(size - sides, 0))
        return [*moved.tolist(), *box[2:]]

    def free_place(
        self, box: list[float], image: dict[str, Any], taken: list[list[float]]
    ) -> list[float] | None:
        """A box of that size where nothing is; None where none is found."""
        room = np.maximum(np.array([image["width"], image["height"]]) - box[2:], 0)
        for _ in range(TRIES):
            placed = [*(self.random.uniform(0, 1, 2) * room).tolist(), *box[2:]]
            if mask.iou(np.array([placed]), np.array(taken), [False] * len(taken)).max() < 0.1:
                return placed
        return None


def judged(
    suspects: list[dict[str, str]], corruptions: list[dict[str, Any]]
) -> Iterator[str | None]:
    """The kind of the corruption that each suspect points at; None where it points at none."""
    left = defaultdict(list)
    for each in corruptions:
        left[each["image"]].append(each)
    for suspect in suspects:
        places = [box for name in ("", "found_") if (box := box_of(suspect, name))]
        near = next((each for each in left[suspect["image"]] if overlap(places, each)), None)
        if near is not None:
            left[suspect["image"]].remove(near)
        yield near and near["kind"]


def box_of(suspect: dict[str, str], name: str) -> list[float] | None:
    """A box of a line, xywh; None where it has none."""
    if not suspect[f"{name}x1"]:
        return None
    x1, y1, x2, y2 = (float(suspect[f"{name}{side}"]) for side in ("x1", "y1", "x2", "y2"))
    return [x1, y1, x2 - x1, y2 - y1]


def overlap(places: list[list[float]], corruption: dict[str, Any]) -> bool:
    """Whether any of some boxes is where a corruption is."""
    boxes = np.array(corruption["boxes"])
    return bool(mask.iou(np.array(places), boxes, [False] * len(boxes)).max() >= 0.5)


def parse() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path, help="a data set in any layout")
    parser.add_argument("folder", type=Path, help="where the copy and the run go")
    parser.add_argument("--share", type=float, default=0.1, help="of the labels to corrupt")
    parser.add_argument("--seed", type=int, default=0, help="chooses them")
    parser.add_argument("--options", default="", help="options of umop train")
    return parser.parse_args()


if __name__ == "__main__":
    main()
