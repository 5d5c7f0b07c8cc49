"""A table of all images, see :mod:`serving.schemas.table`."""

from __future__ import annotations

from collections.abc import Iterator

from serving.bundle.schema import Manifest
from serving.predict.formats.format import Part, Records, ResultFormat
from serving.schemas import table

_FILE = "predictions.csv"


def _parts(records: Records, manifest: Manifest) -> Iterator[Part]:
    yield _FILE, table.header()
    for record in records:
        yield _FILE, table.lines(record.name, record.detections)


RESULT_FORMAT = ResultFormat(_parts, _FILE)
