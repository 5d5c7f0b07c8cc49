"""The best and the worst images, with truth and detections drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from umop.data.images import Shape, Thumbnail, read_rgb
from umop.evaluation.analysis import Analysis
from umop.evaluation.images import DrawnBox, ImageResult
from umop.system.errors import UserError

_SHOWN = 8
"""So many of the best and of the worst are shown."""
_MOST_NAMES = 3
_SIDE = 480
"""The longer side of an image in the page, in pixels."""


@dataclass(frozen=True)
class _Shown:
    """An image of the page.

    Attributes:
        name: Its file.
        words: What is right and wrong on it.
        thumbnail: It, with true boxes and detections.
    """

    name: str
    words: str
    thumbnail: Thumbnail


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
        words = f"{words}. The image cannot be read now."
        return _Shown(result.file_name, words, Thumbnail())
    shapes = [
        *(_shape(each, "found" if each.is_right else "missed", names) for each in result.truth),
        *(_shape(each, "right" if each.is_right else "wrong", names) for each in result.detections),
    ]
    scale = min(1.0, _SIDE / max(pixels.shape[:2]))
    return _Shown(result.file_name, words, Thumbnail.of(pixels, scale, shapes))


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


def _shape(drawn: DrawnBox, kind: str, names: list[str]) -> Shape:
    """Says of a box what it is.

    Args:
        drawn: The box, in pixels of the image.
        kind: ``found``, ``missed``, ``right`` or ``wrong``.
        names: Of the classes.
    """
    score = "" if drawn.score is None else f" {drawn.score:.2f}"
    x, y, width, height = drawn.box
    return Shape(x, y, width, height, kind, f"{names[drawn.label]}{score}")
