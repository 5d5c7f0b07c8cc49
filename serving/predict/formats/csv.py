"""A table: a line for each detection under a header line (RFC 4180), as the service's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.predict.formats.records import ImageRecord

_FILE = "predictions.csv"
_COLUMNS = ("image", "label", "class_id", "score", "x1", "y1", "x2", "y2")


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield _FILE, _table([_COLUMNS])
    for record in records:
        yield _FILE, _table(_rows(record))


def _rows(record: ImageRecord) -> list[tuple[str | float, ...]]:
    return [
        (record.name, each.label, each.class_id, each.score, *each.box.model_dump().values())
        for each in record.detections
    ]


def _table(rows: Sequence[tuple[str | float, ...]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


RESULT_FORMAT = ResultFormat(_parts, _FILE)
