"""Writes a report as a page that needs no network: thumbnails with boxes, and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umop.data.check.bars import bars, by_size
from umop.data.check.categories import counts
from umop.data.check.examined import Examined
from umop.data.check.report import Finding, Report
from umop.data.images import Shape, Thumbnail, read_rgb
from umop.system.errors import UserError
from umop.system.page import write_page

_SHOWN = 24
"""Most findings of a kind that are shown with their images."""
_SIDE = 240


def write_check_page(report: Report, path: Path) -> None:
    """Writes the page.

    Raises:
        UserError: The file cannot be written.
    """
    drawer = _Drawer(report)
    corners = report.cleaned.boxes.corners
    kinds = [
        (rule, len(found), [(each.text, drawer.thumbnail(each)) for each in found[:_SHOWN]])
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

    def thumbnail(self, finding: Finding) -> Thumbnail:
        """A finding's image with all its boxes, the finding's own marked."""
        if finding.image is None:
            return Thumbnail()
        try:
            pixels = read_rgb(finding.image)
        except UserError:
            return Thumbnail()
        shapes = [_shape(box) for box in self.boxes_of(finding.image).tolist()]
        if finding.box is not None:
            shapes.append(_shape(finding.box, "found"))
        return Thumbnail.of(pixels, _SIDE / max(pixels.shape[:2]), shapes)

    def boxes_of(self, image: Path) -> NDArray[np.float64]:
        """The boxes of an image after the repairs, xyxy."""
        index = self.index.get(image)
        if index is None:
            return np.zeros((0, 4))
        return self.corners[self.report.cleaned.boxes.image == index]


def _shape(corners: Sequence[float], kind: str = "") -> Shape:
    """A box, whose corners may be in the wrong order."""
    x1, y1, x2, y2 = corners
    return Shape(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1), kind)
