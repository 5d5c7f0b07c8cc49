"""Detections as a table: a line for each under a header line (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from serving.schemas.detections import Detection

_COLUMNS = ("image", "label", "class_id", "score", "x1", "y1", "x2", "y2")


def header() -> str:
    """The line of the columns' names."""
    return _lines([_COLUMNS])


def lines(image: str, detections: Iterable[Detection]) -> str:
    """The lines of one image.

    Args:
        image: Its name.
        detections: What was found in it, in the order of the lines.
    """
    return _lines(
        (image, each.label, each.class_id, each.score, *each.box.corners) for each in detections
    )


def _lines(rows: Iterable[tuple[object, ...]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
