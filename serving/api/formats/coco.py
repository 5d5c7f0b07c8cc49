"""A COCO document of all images."""

from __future__ import annotations

from serving.api.formats.output import DetectAnswer, OutputFormat
from serving.schemas.coco import to_coco


def _render(answer: DetectAnswer) -> str:
    found = [(each.name, each.result) for each in answer.found]
    return to_coco(found, answer.classes).model_dump_json()


COCO = OutputFormat("coco", "application/json", _render, batch=_render)
