"""Writers of the layouts of public benchmarks."""

from __future__ import annotations

from pathlib import Path

from tests.umop.data.layouts.writing import SPLITS, write
from tests.umop.data.samples import draw


def kitti(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / "image_2" / name, len(name))
        lines = [
            f"{label} 0.00 0 -1.5 {' '.join(map(str, box))} 1 1 1 1 1 1 0\n"
            for label, box in shapes
        ]
        ignored = "DontCare -1 -1 -10 1 1 9 9 -1 -1 -1 -1000 -1000 -1000 -10\n"
        write(root / split / "label_2" / f"{Path(name).stem}.txt", "".join(lines) + ignored)


def dota(root: Path) -> None:
    for split, (name, shapes) in SPLITS.items():
        draw(root / split / "images" / name, len(name))
        lines = [
            f"{x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2} {label} 0\n"
            for label, (x1, y1, x2, y2) in shapes
        ]
        header = "imagesource:GoogleEarth\ngsd:0.14\n"
        write(root / split / "labelTxt" / f"{Path(name).stem}.txt", header + "".join(lines))
