"""A table of all images, see :mod:`serving.schemas.table`."""

from __future__ import annotations

from serving.api.formats.output import DetectAnswer, OutputFormat
from serving.schemas import table


def _render(answer: DetectAnswer) -> str:
    rows = (table.lines(found.name, found.result.detections) for found in answer.found)
    return "".join([table.header(), *rows])


CSV = OutputFormat("csv", "text/csv", _render, batch=_render)
