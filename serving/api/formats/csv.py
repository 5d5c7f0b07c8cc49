"""A table of all images: a line for each detection under a header line (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from serving.api.formats.output import DetectAnswer, Found, OutputFormat

_COLUMNS = ("image", "label", "class_id", "score", "x1", "y1", "x2", "y2")


def _render(answer: DetectAnswer) -> str:
    buffer = io.StringIO()
    table = csv.writer(buffer)
    table.writerow(_COLUMNS)
    for found in answer.found:
        table.writerows(_rows(found))
    return buffer.getvalue()


def _rows(found: Found) -> Iterator[tuple[str | float, ...]]:
    for each in found.result.detections:
        box = (each.box.x1, each.box.y1, each.box.x2, each.box.y2)
        yield (found.name, each.label, each.class_id, each.score, *box)


CSV = OutputFormat("csv", "text/csv", _render, batch=_render)
