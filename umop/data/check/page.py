"""Writes a report as a page that needs no network: thumbnails with boxes, and histograms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.check.categories import counts
from umop.data.check.examined import Examined
from umop.data.check.report import Finding, Report
from umop.data.images import data_url, read_rgb
from umop.system.errors import UserError
from umop.system.page import write_page

_SHOWN = 24
"""Most findings of a kind that are shown with their images."""
_SIDE = 240
_SIZES = (0, 8, 16, 32, 64, 128, 256, 512, np.inf)


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram.

    Attributes:
        name: What is counted.
        count: How many there are.
        share: Of the longest bar, 0 to 100.
    """

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class _Shape:
    """A box on a thumbnail, in its pixels; ``is_found`` for the one that a finding is of."""

    x: float
    y: float
    width: float
    height: float
    is_found: bool


@dataclass(frozen=True)
class _Thumbnail:
    """A small image with its boxes.

    Attributes:
        text: Where, and what is wrong.
        image: A data URL; empty where the image cannot be read.
        width: In pixels.
        height: In pixels.
        shapes: The boxes.
    """

    text: str
    image: str = ""
    width: int = 0
    height: int = 0
    shapes: tuple[_Shape, ...] = ()


def write_check_page(report: Report, path: Path) -> None:
    """Writes the page.

    Raises:
        UserError: The file cannot be written.
    """
    drawer = _Drawer(report)
    corners = report.cleaned.boxes.corners
    kinds = [
        (rule, len(found), [drawer.thumbnail(each) for each in found[:_SHOWN]])
        for rule, found in report.by_rule()
    ]
    write_page(
        path,
        "umop.data.check",
        "check.html",
        summary=report.headline(),
        counts=report.counts(),
        kinds=kinds,
        classes=bars(zip(report.cleaned.classes, counts(report.cleaned).tolist(), strict=True)),
        sizes=bars(by_size(corners[:, 2:] - corners[:, :2])),
    )


class _Drawer:
    """Draws findings on their images.

    Args:
        report: The report.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        examined = Examined(report.cleaned, report.records)
        self.corners = examined.data.boxes.corners
        self.index = {image.path: i for i, image in enumerate(report.cleaned.images)}

    def thumbnail(self, finding: Finding) -> _Thumbnail:
        """A finding's image with all its boxes, the finding's own marked."""
        if finding.image is None:
            return _Thumbnail(finding.text)
        try:
            pixels = read_rgb(finding.image)
        except UserError:
            return _Thumbnail(finding.text)
        height, width = pixels.shape[:2]
        scale = _SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        others = self.boxes_of(finding.image)
        shapes = [_shape(box, scale, False) for box in others]
        if finding.box is not None:
            shapes.append(_shape(np.array(finding.box), scale, True))
        return _Thumbnail(finding.text, data_url(pixels, size), *size, tuple(shapes))

    def boxes_of(self, image: Path) -> NDArray[np.float64]:
        """The boxes of an image after the repairs, xyxy."""
        index = self.index.get(image)
        if index is None:
            return np.zeros((0, 4))
        return self.corners[self.report.cleaned.boxes.image == index]


def _shape(box: NDArray[np.float64], scale: float, is_found: bool) -> _Shape:
    """Places a box on a scaled image.

    Args:
        box: x1, y1, x2, y2 in pixels of the image.
        scale: Of the image that is shown.
        is_found: Whether the box is what the check has found.
    """
    with np.errstate(over="ignore"):
        x1, y1, x2, y2 = (box * scale).tolist()
    x, y = min(x1, x2), min(y1, y2)
    return _Shape(x, y, abs(x2 - x1), abs(y2 - y1), is_found)


def mean_sides(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square root of each box's area, in pixels, of shape (N,).

    Args:
        sizes: Width and height of each box, of shape (N, 2).
    """
    sides: NDArray[np.float64] = np.sqrt(np.maximum(sizes.prod(1), 0))
    return sides


def by_size(sizes: NDArray[np.float64]) -> Iterator[tuple[str, int]]:
    """Numbers of boxes by the square root of their area; takes what :func:`mean_sides` does."""
    found, _ = np.histogram(mean_sides(sizes), _SIZES)
    for low, high, count in zip(_SIZES[:-1], _SIZES[1:], found.tolist(), strict=True):
        yield (f"{low:g} to {high:g} px" if np.isfinite(high) else f"over {low:g} px"), count


def bars(entries: Iterable[tuple[str, int]]) -> list[Bar]:
    """The bars of a histogram."""
    listed = list(entries)
    longest = max((count for _, count in listed), default=0) or 1
    return [Bar(name, count, 100 * count / longest) for name, count in listed]
