"""The best and the worst images, with truth and detections drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from umop.data.images import data_url, read_rgb
from umop.evaluation.analysis import Analysis
from umop.evaluation.images import DrawnBox, ImageResult
from umop.system.errors import UserError

_SHOWN = 8
"""So many of the best and of the worst are shown."""
_MOST_NAMES = 3
_SIDE = 480
"""The longer side of an image in the page, in pixels."""


@dataclass(frozen=True)
class Shape:
    """A box on a shown image, in its pixels.

    Attributes:
        kind: ``found``, ``missed``, ``right`` or ``wrong``.
        text: Its class, and the score of a detection.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    text: str


@dataclass(frozen=True)
class _Shown:
    """An image of the page.

    Attributes:
        name: Its file.
        words: What is right and wrong on it.
        image: A data URL; empty where the image cannot be read.
        width: In pixels.
        height: In pixels.
        shapes: True boxes and detections.
    """

    name: str
    words: str
    image: str = ""
    width: int = 0
    height: int = 0
    shapes: tuple[Shape, ...] = ()


def shown_images(analysis: Analysis, folder: Path) -> tuple[list[_Shown], list[_Shown]]:
    """The best and the worst images.

    Args:
        analysis: Says which they are.
        folder: Where they lie.
    """
    names = [each.name for each in analysis.classes]
    best, worst = (
        [_show(each, folder, names) for each in listed[:_SHOWN]]
        for listed in (analysis.best, analysis.worst)
    )
    return best, worst


def _show(result: ImageResult, folder: Path, names: list[str]) -> _Shown:
    """Reads an image and places its boxes on it."""
    words = _in_words(result, names)
    try:
        pixels = read_rgb(folder / result.file_name)
    except UserError:
        return _Shown(result.file_name, f"{words}. The image cannot be read now.")
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shapes = [
        *(
            _shape(each, scale, "found" if each.is_right else "missed", names)
            for each in result.truth
        ),
        *(
            _shape(each, scale, "right" if each.is_right else "wrong", names)
            for each in result.detections
        ),
    ]
    return _Shown(result.file_name, words, data_url(pixels, size), *size, tuple(shapes))


def _in_words(result: ImageResult, names: list[str]) -> str:
    """What is right and wrong on an image."""
    parts = [f"{result.found} found"]
    for kind, boxes in (("missed", result.truth), ("wrong", result.detections)):
        counts = Counter(names[each.label] for each in boxes if not each.is_right)
        if counts:
            parts.append(f"{kind}: {', '.join(_listed(counts))}")
    return f"F1 {result.f1:.2f}; {'; '.join(parts)}"


def _listed(counts: Counter[str]) -> Iterator[str]:
    """The most frequent classes with their numbers."""
    yield from (f"{count} {name}" for name, count in counts.most_common(_MOST_NAMES))
    if others := counts.total() - sum(count for _, count in counts.most_common(_MOST_NAMES)):
        yield f"{others} others"


def _shape(drawn: DrawnBox, scale: float, kind: str, names: list[str]) -> Shape:
    """Places a box on a scaled image.

    Args:
        drawn: The box, in pixels of the image.
        scale: Of the image that is shown.
        kind: The class of CSS that the box is drawn with.
        names: Of the classes.
    """
    x, y, width, height = (round(value * scale, 1) for value in drawn.box)
    score = "" if drawn.score is None else f" {drawn.score:.2f}"
    return Shape(x, y, width, height, kind, f"{names[drawn.label]}{score}")
