"""The labels that a model suspects most, as a page of crops and as a table."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.images import Shape, Thumbnail, read_rgb
from umop.evaluation.suspects import SUSPECT_KINDS, Suspect
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.system.page import write_page

_SHOWN = 100
"""Suspects on the page; the table has all."""
_SIDE = 240
"""The longer side of a crop in the page, in pixels."""
_AROUND = 0.75
"""How much of its surroundings a crop shows on each side, as a share of what is suspect."""
_LEAST = 48
"""The shortest side of a crop, in the image's pixels."""
_SIDES = ("x1", "y1", "x2", "y2")
_COLUMNS = (
    *("score", "kind", "split", "image", "label", *_SIDES),
    *("found", *(f"found_{side}" for side in _SIDES)),
)


def write_suspects(
    run: RunFolder, suspects: Sequence[Suspect], folders: Mapping[str, Path]
) -> tuple[Path, Path]:
    """Writes ``suspects.html`` and ``suspects.csv`` into a run's folder.

    Args:
        run: The run.
        suspects: The most suspect first.
        folders: Where the images of each split lie.

    Returns:
        The page and the table.

    Raises:
        UserError: One cannot be written.
    """
    table = run.folder / "suspects.csv"
    try:
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows(map(_row, suspects))
    except OSError as error:
        raise UserError(f"{table} cannot be written: {error.strerror}.") from error
    counts = Counter(each.kind for each in suspects)
    page = write_page(
        run.folder / "suspects.html",
        "umop.report",
        "suspects.html",
        name=run.name,
        kinds={kind: (words, counts[kind]) for kind, words in SUSPECT_KINDS.items()},
        crops=[(each, _crop(each, folders[each.split])) for each in suspects[:_SHOWN]],
        total=len(suspects),
    )
    return page, table


def _row(suspect: Suspect) -> tuple[object, ...]:
    """A line of the table; without a box its four places are empty."""
    nothing = ("",) * len(_SIDES)
    return (
        *(suspect.score, suspect.kind, suspect.split, suspect.image),
        *(suspect.label or "", *(suspect.box or nothing)),
        *(suspect.found or "", *(suspect.found_box or nothing)),
    )


def _crop(suspect: Suspect, folder: Path) -> Thumbnail:
    """Cuts a suspect out of its image."""
    try:
        pixels = read_rgb(folder / suspect.image)
    except UserError:
        return Thumbnail()
    left, top, right, bottom = _window(suspect, pixels.shape[1], pixels.shape[0])
    scale = _SIDE / max(right - left, bottom - top)
    return Thumbnail.of(pixels[top:bottom, left:right], scale, _shapes(suspect, left, top))


def _window(suspect: Suspect, width: int, height: int) -> tuple[int, int, int, int]:
    """What to show of an image, xyxy in whole pixels: the boxes and what is around them."""
    boxes = np.array([box for box in (suspect.box, suspect.found_box) if box])
    first, last = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    around = np.maximum(_AROUND * (last - first), (_LEAST - (last - first)) / 2)
    size = np.array([width, height])
    left, top = _whole(np.floor(first - around), size - 1)
    right, bottom = _whole(np.ceil(last + around), size)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _whole(place: NDArray[np.float64], most: NDArray[np.int64]) -> tuple[int, int]:
    """A place inside of an image."""
    x, y = np.clip(place, 0, most).astype(int).tolist()
    return x, y


def _shapes(suspect: Suspect, left: int, top: int) -> Iterator[Shape]:
    """The label and what was found, in a crop's pixels."""
    for kind, box, name in (
        ("wrong", suspect.box, f"label {suspect.label}"),
        ("right", suspect.found_box, f"found {suspect.found}"),
    ):
        if box:
            x1, y1, x2, y2 = box
            yield Shape(x1 - left, y1 - top, x2 - x1, y2 - y1, kind, name)
