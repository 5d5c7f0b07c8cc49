"""Trains on mosaics of a set with and without windows, and on the set at its own scale.

    python benchmarks/tiles.py SET FOLDER --options "--time 30m"

A mosaic is an image of 2560 pixels (`--side`) made of the set's images, each scaled so that the
median box has 30 pixels (`--box`). Those of the training and the validation images stay apart. The
command `umop train small` runs three times with the same options: on the set, on the mosaics with
`--tiles auto`, and on the mosaics without. What is there is not made or trained again. The table
has AP50 and AP, of whole images.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from umop.data.coco import LabelledImage, write_coco
from umop.data.images import read_bgr
from umop.data.preparation.custom import read_data

HEADER = "| trained and tested on | AP50 | AP |\n|---|---|---|"


def main() -> None:
    """Makes the mosaics, trains, and prints the table."""
    arguments = parse()
    mosaics = arguments.folder / "mosaics"
    if not (mosaics / "val.json").is_file():
        make_mosaics(arguments.set, mosaics, arguments.side, arguments.box)
    trainings = {
        "the set at its own scale": (arguments.set, ""),
        "mosaics, --tiles auto": (mosaics, "--tiles auto"),
        "mosaics, whole": (mosaics, ""),
    }
    print(HEADER)
    for number, (name, (data, more)) in enumerate(trainings.items()):
        options = shlex.split(f"{arguments.options} {more}")
        metrics = trained(arguments.folder, f"run{number}", data, options)
        print(f"| {name} | {metrics['AP50']:.3f} | {metrics['AP']:.3f} |", flush=True)


def make_mosaics(data: Path, folder: Path, side: int, box: float) -> None:
    """Writes a set of mosaics in COCO's layout."""
    found = read_data(data, folder / "source")
    contents = found.contents
    boxes = [each["bbox"] for each in contents["train"]["annotations"]]
    scale = box / median(math.sqrt(width * height) for _, _, width, height in boxes)
    for split, content in contents.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        images = mosaics_of(content, found.root, folder / split, side, scale)
        write_coco(folder / f"{split}.json", images, found.classes)


def mosaics_of(
    content: dict[str, Any], root: Path, folder: Path, side: int, scale: float
) -> list[LabelledImage]:
    """Puts a split's images side by side; the last mosaic is filled up with grey.

    Args:
        content: The split, in COCO's form.
        root: The folder of its images.
        folder: Where the mosaics go.
        side: Pixels of a mosaic's side.
        scale: By which each image is scaled.
    """
    boxes = defaultdict(list)
    for each in content["annotations"]:
        boxes[each["image_id"]].append(each)
    labels = {each["id"]: index for index, each in enumerate(content["categories"])}
    cell = round(scale * max(max(each["width"], each["height"]) for each in content["images"]))
    per_side = max(1, side // cell)
    made = []
    for start in range(0, len(content["images"]), per_side**2):
        canvas = np.full((side, side, 3), 127, np.uint8)
        corners: list[NDArray[np.float64]] = []
        kinds: list[int] = []
        for place, image in enumerate(content["images"][start : start + per_side**2]):
            top, left = (cell * each for each in divmod(place, per_side))
            pixels = cv2.resize(
                read_bgr(root / image["file_name"]), None, fx=scale, fy=scale,
                interpolation=cv2.INTER_AREA,
            )  # fmt: skip
            height, width = (min(each, cell) for each in pixels.shape[:2])
            canvas[top : top + height, left : left + width] = pixels[:height, :width]
            for each in boxes[image["id"]]:
                x, y, across, down = (scale * value for value in each["bbox"])
                corners.append(np.array([left + x, top + y, left + x + across, top + y + down]))
                kinds.append(labels[each["category_id"]])
        name = f"{len(made):03d}.png"
        cv2.imwrite(str(folder / name), canvas)
        all_corners = np.array(corners, np.float64).reshape(-1, 4)
        made.append(LabelledImage(name, side, side, all_corners, np.array(kinds, np.int64)))
    return made


def trained(folder: Path, name: str, data: Path, options: list[str]) -> dict[str, float]:
    """Trains, if that was not done, and returns what ``evaluation.json`` has."""
    command = [sys.executable, "-m", "umop.cli", "train", "small", "--data", str(data.resolve())]
    subprocess.run([*command, "--run", name, *options], cwd=folder, check=True)
    kept = json.loads((folder / "runs" / name / "evaluation.json").read_text())
    metrics: dict[str, float] = kept["metrics"]
    return metrics


def parse() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path, help="a data set in any layout")
    parser.add_argument("folder", type=Path, help="where mosaics and runs go")
    parser.add_argument("--side", type=int, default=2560, help="pixels of a mosaic's side")
    parser.add_argument("--box", type=float, default=30, help="pixels of the median box in it")
    parser.add_argument("--options", default="", help="options of umop train")
    return parser.parse_args()


if __name__ == "__main__":
    main()
