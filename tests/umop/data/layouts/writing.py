"""The two images and their boxes, and how a writer writes a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

CAT, DOG = (8.0, 6.0, 24.0, 30.0), (32.0, 12.0, 64.0, 36.0)
TRAIN, VAL = "first one.jpg", "second.JPG"
"""The first has a cat and a dog, the second a dog."""
BOM = "\ufeff"
SPLITS = {"train": (TRAIN, [("cat", CAT), ("dog", DOG)]), "val": (VAL, [("dog", DOG)])}
"""The name of the image and its boxes."""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="")


def sized(box: Sequence[float]) -> dict[str, float]:
    x1, y1, x2, y2 = box
    return {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1}
