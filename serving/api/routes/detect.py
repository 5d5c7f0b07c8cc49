"""Routes that find objects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from serving.api.body import JsonImage, JsonImages, Sent
from serving.api.deadline import Deadline
from serving.api.deps import (
    FirstModel,
    NamedModel,
    OptionsDep,
    ServicesDep,
    authorize,
    require_plain_body,
)
from serving.api.formats import BATCH_FORMATS, OUTPUT_FORMATS, FormatName
from serving.api.formats.json import JSON, BatchResponse
from serving.api.formats.output import Found, OutputFormat
from serving.api.negotiation import negotiate
from serving.api.schema import inline_schema
from serving.api.services import Services
from serving.backends import Backend
from serving.inference import decoding
from serving.schemas.coco import CocoDocument
from serving.schemas.detections import DetectionResult, DetectResponse
from serving.schemas.options import DetectOptions

router = APIRouter(tags=["detect"], dependencies=[Depends(authorize), Depends(require_plain_body)])

_FormatQuery = Annotated[FormatName | None, Query(alias="format", description="Overrides Accept.")]
_BatchFormatQuery = Annotated[
    FormatName | None,
    Query(alias="format", description="Overrides Accept; several images cannot be drawn."),
]


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
    media_type: {"schema": _FILE} for media_type in decoding.IMAGE_FORMATS.values()
}
_ONE_IMAGE = _body("file", _FILE, JsonImage, _RAW)
_SEVERAL_IMAGES = _body("files", {"type": "array", "items": _FILE, "minItems": 1}, JsonImages, {})


def _content(offers: Sequence[OutputFormat]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the answers beside those in JSON."""
    media_types = {each.media_type for each in offers} - {JSON.media_type}
    return {200: {"content": {media_type: {} for media_type in sorted(media_types)}}}


_ONE: dict[str, Any] = {
    "response_model": DetectResponse | CocoDocument,
    "responses": _content(OUTPUT_FORMATS),
    "openapi_extra": {"requestBody": _ONE_IMAGE},
}
_SEVERAL: dict[str, Any] = {
    "response_model": BatchResponse | CocoDocument,
    "responses": _content(BATCH_FORMATS),
    "openapi_extra": {"requestBody": _SEVERAL_IMAGES},
}


@router.post("/detect", **_ONE)
async def detect(
    request: Request,
    services: ServicesDep,
    model: FirstModel,
    options: OptionsDep,
    wanted: _FormatQuery = None,
) -> Response:
    """Finds objects in one image, with the first model."""
    return await _detect(request, services, model, options, wanted)


@router.post("/models/{name}/detect", **_ONE)
async def detect_with(
    request: Request,
    services: ServicesDep,
    model: NamedModel,
    options: OptionsDep,
    wanted: _FormatQuery = None,
) -> Response:
    """Finds objects in one image."""
    return await _detect(request, services, model, options, wanted)


@router.post("/detect/batch", **_SEVERAL)
async def detect_batch(
    request: Request,
    services: ServicesDep,
    model: FirstModel,
    options: OptionsDep,
    wanted: _BatchFormatQuery = None,
) -> Response:
    """Finds objects in several images, with the first model; a broken one fails the request."""
    return await _detect_batch(request, services, model, options, wanted)


@router.post("/models/{name}/detect/batch", **_SEVERAL)
async def detect_batch_with(
    request: Request,
    services: ServicesDep,
    model: NamedModel,
    options: OptionsDep,
    wanted: _BatchFormatQuery = None,
) -> Response:
    """Finds objects in several images; a broken one fails the whole request."""
    return await _detect_batch(request, services, model, options, wanted)


async def _detect(
    request: Request, services: Services, model: Backend, options: DetectOptions, wanted: str | None
) -> Response:
    deadline = Deadline(request, services.settings.deadline)
    services.admission.require_slot()
    received = await deadline.reading(services.body.read_one(request))
    wished, wanted = received.options(options, wanted)
    form = negotiate(request, wanted)
    with services.admission.admit():
        work = _answer(request, services, model, received.images, wished, form)
        return await deadline.working(work)


async def _detect_batch(
    request: Request, services: Services, model: Backend, options: DetectOptions, wanted: str | None
) -> Response:
    deadline = Deadline(request, services.settings.deadline)
    services.admission.require_slot()
    received = await deadline.reading(services.body.read_several(request))
    wished, wanted = received.options(options, wanted)
    form = negotiate(request, wanted, BATCH_FORMATS)
    with services.admission.admit(len(received.images)):
        images = await deadline.working(services.body.fetch(request, received.images))
        work = find_all(services, model, [each.data for each in images], wished)
        found = await deadline.working(work)
    answers = [
        Found(image.name, image.data, result) for image, result in zip(images, found, strict=True)
    ]
    return await services.renderer.several(form, answers)


async def _answer(
    request: Request,
    services: Services,
    model: Backend,
    sent: Sequence[Sent],
    options: DetectOptions,
    form: OutputFormat,
) -> Response:
    [image] = await services.body.fetch(request, sent)
    result = await model.detect(image.data, options)
    began = perf_counter()
    found = Found(image.name, image.data, result)
    response = await services.renderer.one(form, found)
    services.observe(result.model.name, {**result.seconds, "encode": perf_counter() - began})
    services.keep(image.data, result)
    return response


async def find_all(
    services: Services, model: Backend, images: list[bytes], options: DetectOptions
) -> list[DetectionResult]:
    """Finds objects in several images; the first failure cancels the others.

    Args:
        services: The service's components.
        model: Finds them.
        images: Encoded images.
        options: The request's options.
    """
    tasks = [asyncio.create_task(model.detect(image, options)) for image in images]
    try:
        found = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    for image, each in zip(images, found, strict=True):
        services.observe(each.model.name, each.seconds)
        services.keep(image, each)
    return found
