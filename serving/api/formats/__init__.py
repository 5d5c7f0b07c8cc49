"""Output formats of ``/detect`` and ``/detect/batch``: a module for each, registered here."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from serving.api.formats.coco import COCO
from serving.api.formats.csv import CSV
from serving.api.formats.drawn import JPEG, PNG
from serving.api.formats.json import JSON
from serving.api.formats.output import OutputFormat

OUTPUT_FORMATS: tuple[OutputFormat, ...] = (JSON, COCO, CSV, JPEG, PNG)
"""Of those that a request accepts equally, the first is sent."""
BATCH_FORMATS = tuple(each for each in OUTPUT_FORMATS if each.batch)
_NAMES = [each.name for each in OUTPUT_FORMATS]


def _known(name: str) -> str:
    if name not in _NAMES:
        raise ValueError(f"the formats are {', '.join(_NAMES)}")
    return name


FormatName = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": _NAMES})
]
"""A format's name, as a request gives it."""
