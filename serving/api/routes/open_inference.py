"""The Open Inference Protocol over HTTP; ``serving.schemas.open_inference`` has its messages."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.api.body import parsed, read_body
from serving.api.deadline import Deadline
from serving.api.deps import ServicesDep, authorize, require_model, require_plain_body
from serving.api.problems import Problem
from serving.api.routes.detect import find_all
from serving.api.schema import inline_schema
from serving.api.services import Services
from serving.backends import Backend, NotReadyError
from serving.guards.aside import aside
from serving.schemas import tensors
from serving.schemas.detections import DetectionResult
from serving.schemas.open_inference import INPUTS, OUTPUTS, InferRequest, read_request, write_answer

health = APIRouter(prefix="/v2", tags=["open inference"])
router = APIRouter(
    prefix="/v2",
    tags=["open inference"],
    dependencies=[Depends(authorize), Depends(require_plain_body)],
)


@health.get("")
async def server() -> dict[str, Any]:
    """Describes the server."""
    return {"name": "umop", "version": "1", "extensions": ["binary_tensor_data"]}


@health.get("/health/live")
async def live() -> dict[str, bool]:
    """The process is alive."""
    return {"live": True}


@health.get("/health/ready")
async def ready(services: ServicesDep) -> dict[str, bool]:
    """The model can answer; 503 otherwise."""
    await services.check()
    return {"ready": True}


@router.get("/models/{name}")
@router.get("/models/{name}/versions/{version}")
async def model(services: ServicesDep, name: str, version: str | None = None) -> dict[str, Any]:
    """Describes the model."""
    manifest = _require(services, name, version).manifest()
    return {
        "name": manifest.name,
        "versions": [manifest.version],
        "platform": "umop_bundle",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
    }


@router.get("/models/{name}/ready")
@router.get("/models/{name}/versions/{version}/ready")
async def model_ready(
    services: ServicesDep, name: str, version: str | None = None
) -> dict[str, Any]:
    """The model can answer; 503 otherwise."""
    backend = _require(services, name, version)
    services.require_running()
    await backend.check()
    return {"name": name, "ready": True}


_MESSAGE = {"content": {"application/json": {"schema": inline_schema(InferRequest)}}}
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "application/octet-stream": {}}}
}


@router.post("/models/{name}/infer", responses=_ANSWER, openapi_extra={"requestBody": _MESSAGE})
@router.post(
    "/models/{name}/versions/{version}/infer",
    responses=_ANSWER,
    openapi_extra={"requestBody": _MESSAGE},
)
async def infer(
    request: Request, services: ServicesDep, name: str, version: str | None = None
) -> Response:
    """Finds objects in the images of the input ``image``."""
    backend = _require(services, name, version)
    deadline = Deadline(request, services.settings.deadline)
    services.admission.require_slot()
    body = await deadline.reading(read_body(request))
    header_length = request.headers.get(tensors.HEADER_LENGTH)
    wanted, images = await parsed(
        body, read_request, body, header_length, services.settings.batch_limit
    )
    with services.admission.admit(len(images)):
        found = await deadline.working(
            find_all(services, backend, images, wanted.parameters.options())
        )
    for each in found:  # another may be there by now
        _require_version(version, each.model.version)
    boxes = sum(len(each.detections) for each in found)
    message, length = await aside(boxes, _write, wanted, found)
    if length is None:
        return Response(message, media_type="application/json")
    headers = {tensors.HEADER_LENGTH: str(length)}
    return Response(message, headers=headers, media_type="application/octet-stream")


def _write(wanted: InferRequest, found: list[DetectionResult]) -> tuple[bytes, int | None]:
    """The answer, whose class indices mean those of the front's model: it holds no names."""
    if not all(each.names_its_classes() for each in found):
        raise NotReadyError("a model with other classes than this service's answered; ask again")
    return write_answer(wanted, found[0].model, found)


def _require(services: Services, name: str, version: str | None) -> Backend:
    backend = require_model(services, name)
    _require_version(version, backend.manifest().version)
    return backend


def _require_version(wanted: str | None, there: str) -> None:
    if wanted not in (None, there):
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-model", f"there is only version {there}")
