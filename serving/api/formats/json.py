"""The service's own JSON."""

from __future__ import annotations

from pydantic import BaseModel

from serving.api.formats.output import DetectAnswer, OutputFormat
from serving.schemas.detections import DetectResponse


class BatchResponse(BaseModel):
    """Objects found in several images, in the order they were sent."""

    results: list[DetectResponse]


def _one(answer: DetectAnswer) -> str:
    [found] = answer.found
    return found.result.response().model_dump_json()


def _several(answer: DetectAnswer) -> str:
    results = [each.result.response() for each in answer.found]
    return BatchResponse(results=results).model_dump_json()


JSON = OutputFormat("json", "application/json", _one, batch=_several)
