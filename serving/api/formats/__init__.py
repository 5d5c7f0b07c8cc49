"""Output formats of ``/detect`` and ``/detect/batch``: a module for each, registered here."""

from serving.api.formats.coco import COCO
from serving.api.formats.csv import CSV
from serving.api.formats.drawn import JPEG, PNG
from serving.api.formats.json import JSON
from serving.api.formats.output import OutputFormat

FORMATS: tuple[OutputFormat, ...] = (JSON, COCO, CSV, JPEG, PNG)
"""Of those that a request accepts equally, the first is sent."""
BATCH_FORMATS = tuple(each for each in FORMATS if each.batch)
