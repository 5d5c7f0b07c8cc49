"""Routes that find objects."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from serving.api.body import Image, JsonImage, JsonImages
from serving.api.deadline import Deadline
from serving.api.deps import OptionsDep, ServicesDep, authorize, require_plain_body
from serving.api.responses import BATCH_FORMATS, ResponseFormat, negotiate, present_all
from serving.api.schema import inline_schema
from serving.api.services import Services
from serving.inference import decoding
from serving.schemas.detections import DetectionResult, DetectResponse
from serving.schemas.formats import CocoDocument
from serving.schemas.options import DetectOptions

router = APIRouter(tags=["detect"], dependencies=[Depends(authorize), Depends(require_plain_body)])
FormatQuery = Annotated[
    ResponseFormat | None, Query(alias="format", description="Overrides Accept.")
]
BatchFormatQuery = Annotated[
    ResponseFormat | None,
    Query(alias="format", description="Overrides Accept; several images cannot be drawn."),
]


class BatchResponse(BaseModel):
    """Objects found in several images, in the order they were sent."""

    results: list[DetectResponse]


def _body(
    field: str, files: dict[str, object], json: type[BaseModel], raw: dict[str, object]
) -> dict[str, object]:
    form = {"type": "object", "required": [field], "properties": {field: files}}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/json": {"schema": inline_schema(json)},
            **raw,
        },
    }


_FILE: dict[str, object] = {"type": "string", "format": "binary"}
_RAW: dict[str, object] = {
    media_type: {"schema": _FILE} for media_type in decoding.FORMATS.values()
}
_ONE_IMAGE = _body("file", _FILE, JsonImage, _RAW)
_SEVERAL_IMAGES = _body("files", {"type": "array", "items": _FILE, "minItems": 1}, JsonImages, {})

_TABLE: dict[str, object] = {"text/csv": {}}
_TABLE_OR_DRAWING: dict[str, object] = {**_TABLE, "image/jpeg": {}, "image/png": {}}


@router.post(
    "/detect",
    response_model=DetectResponse | CocoDocument,
    responses={200: {"content": _TABLE_OR_DRAWING}},
    openapi_extra={"requestBody": _ONE_IMAGE},
)
async def detect(
    request: Request, services: ServicesDep, options: OptionsDep, wanted: FormatQuery = None
) -> Response:
    """Finds objects in one image."""
    form = negotiate(request, wanted)
    deadline = Deadline(request, services.settings.deadline)
    services.admission.require_slot()
    received = await deadline.reading(services.body.read_one(request))
    wished = received.options(options)
    with services.admission.admit():
        [image] = await deadline.reading(services.body.fetch(request, received.images))
        return await deadline.working(_answer(services, image, wished, form))


@router.post(
    "/detect/batch",
    response_model=BatchResponse | CocoDocument,
    responses={200: {"content": _TABLE}},
    openapi_extra={"requestBody": _SEVERAL_IMAGES},
)
async def detect_batch(
    request: Request, services: ServicesDep, options: OptionsDep, wanted: BatchFormatQuery = None
) -> Response:
    """Finds objects in several images; a broken one fails the whole request."""
    form = negotiate(request, wanted, BATCH_FORMATS)
    deadline = Deadline(request, services.settings.deadline)
    services.admission.require_slot()
    received = await deadline.reading(services.body.read_several(request))
    wished = received.options(options)
    with services.admission.admit(len(received.images)):
        images = await deadline.reading(services.body.fetch(request, received.images))
        found = await deadline.working(find_all(services, [each.data for each in images], wished))
    names = [each.name for each in images]
    return present_all(form, list(zip(names, found, strict=True)), services.backend)


async def _answer(
    services: Services, image: Image, options: DetectOptions, form: ResponseFormat
) -> Response:
    found = await services.backend.detect(image.data, options)
    began = perf_counter()
    response = await services.renderer.present(form, found, image, services.backend)
    services.observe({**found.seconds, "encode": perf_counter() - began})
    return response


async def find_all(
    services: Services, images: list[bytes], options: DetectOptions
) -> list[DetectionResult]:
    """Finds objects in several encoded images; the first failure cancels the others."""
    tasks = [asyncio.create_task(services.backend.detect(image, options)) for image in images]
    try:
        found = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    for each in found:
        services.observe(each.seconds)
    return found
