"""The Open Inference Protocol (github.com/kserve/open-inference-protocol), REST.

The model takes `image`, BYTES of shape [n]: encoded pictures, raw in the binary form and base64
in JSON. It gives `num_detections` [n] and, filled up with zeros to the largest number k,
`boxes` [n, k, 4], `scores` [n, k] and `class_ids` [n, k]. The request's `parameters` may hold
`score_threshold`, `max_detections` and `classes` (names separated by commas).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from serving import tensors
from serving.api.deps import ServicesDep, authorize
from serving.api.patience import Patience
from serving.api.problems import Problem
from serving.api.routes.detect import find_all
from serving.api.schema import inline_schema
from serving.api.services import Services
from serving.backends import Wish
from serving.bundle import Manifest
from serving.schemas import Found
from serving.tensors import Tensor, TensorError

health = APIRouter(prefix="/v2", tags=["open inference"])
router = APIRouter(prefix="/v2", tags=["open inference"], dependencies=[Depends(authorize)])

OutputName = Literal["num_detections", "boxes", "scores", "class_ids"]
_INPUTS = [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
_OUTPUTS = [
    {"name": "num_detections", "datatype": "INT64", "shape": [-1]},
    {"name": "boxes", "datatype": "FP32", "shape": [-1, -1, 4]},
    {"name": "scores", "datatype": "FP32", "shape": [-1, -1]},
    {"name": "class_ids", "datatype": "INT64", "shape": [-1, -1]},
]


def _names(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


class Parameters(BaseModel):
    """What a request may ask for; the protocol's other parameters are let through."""

    score_threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    max_detections: Annotated[int | None, Field(ge=1, le=1000)] = None
    classes: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    binary_data_output: bool = False


class OutputParameters(BaseModel):
    """In which form an output is wanted; None for the request's `binary_data_output`."""

    binary_data: bool | None = None


class RequestedOutput(BaseModel):
    """An output that the answer is to have."""

    name: OutputName
    parameters: OutputParameters = OutputParameters()


class InferRequest(BaseModel):
    """The JSON header of a request; no outputs stands for all of them."""

    id: str | None = None
    inputs: list[dict[str, Any]]
    outputs: list[RequestedOutput] = []
    parameters: Parameters = Parameters()

    @property
    def wish(self) -> Wish:
        """What the parameters ask for."""
        wanted = self.parameters
        return Wish(wanted.score_threshold, wanted.max_detections, wanted.classes)


@health.get("")
async def server() -> dict[str, Any]:
    """Describes the server."""
    return {"name": "umop", "version": "1", "extensions": ["binary_tensor_data"]}


@health.get("/health/live")
async def live() -> dict[str, bool]:
    """The process lives."""
    return {"live": True}


@health.get("/health/ready")
async def ready(services: ServicesDep) -> dict[str, bool]:
    """The model can answer; 503 otherwise."""
    await services.backend.check()
    return {"ready": True}


@router.get("/models/{name}")
@router.get("/models/{name}/versions/{version}")
async def model(services: ServicesDep, name: str, version: str | None = None) -> dict[str, Any]:
    """Describes the model."""
    manifest = _require(services, name, version)
    return {
        "name": manifest.name,
        "versions": [manifest.version],
        "platform": "umop_bundle",
        "inputs": _INPUTS,
        "outputs": _OUTPUTS,
    }


@router.get("/models/{name}/ready")
@router.get("/models/{name}/versions/{version}/ready")
async def model_ready(
    services: ServicesDep, name: str, version: str | None = None
) -> dict[str, Any]:
    """The model can answer; 503 otherwise."""
    _require(services, name, version)
    await services.backend.check()
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
    """Finds objects in the pictures of the input `image`."""
    manifest = _require(services, name, version)
    patience = Patience(request, services.settings.deadline)
    with services.admission.admit():
        body = await patience.reading(request.body())
        try:
            header, raw = tensors.split(body, request.headers.get(tensors.HEADER_LENGTH))
            wanted = _validate(header)
            pictures = _pictures(wanted, raw, services.settings.max_images)
        except TensorError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, "invalid-tensors", str(error)) from error
        with services.admission.admit(len(pictures) - 1):
            found = await patience.working(find_all(services, pictures, wanted.wish))
    return _answer(wanted, manifest, found)


def _require(services: Services, name: str, version: str | None) -> Manifest:
    manifest = services.backend.manifest()
    if name != manifest.name or version not in (None, manifest.version):
        raise Problem(HTTPStatus.NOT_FOUND, "unknown-model", f"there is only {manifest.name}")
    return manifest


def _validate(header: dict[str, Any]) -> InferRequest:
    try:
        return InferRequest.model_validate(header)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TensorError(f"{where}: {first['msg']}") from error


def _pictures(wanted: InferRequest, raw: bytes, most: int) -> list[bytes]:
    given = tensors.read_tensors(wanted.inputs, raw)
    pictures = given.get("image")
    if set(given) != {"image"} or not isinstance(pictures, list):
        raise TensorError("the one input is 'image' of type BYTES")
    if not 1 <= len(pictures) <= most:
        raise TensorError(f"a request has 1 to {most} pictures, this one has {len(pictures)}")
    return pictures


def _answer(wanted: InferRequest, manifest: Manifest, found: list[Found]) -> Response:
    outputs = _stack(found)
    in_form: dict[OutputName, bool | None] = {
        each.name: each.parameters.binary_data for each in wanted.outputs
    } or dict.fromkeys(outputs)
    default = wanted.parameters.binary_data_output
    binary = [name for name, form in in_form.items() if (default if form is None else form)]
    start = {"model_name": manifest.name, "model_version": manifest.version}
    if wanted.id is not None:
        start["id"] = wanted.id
    chosen = {name: outputs[name] for name in in_form}
    body, length = tensors.write(start, "outputs", chosen, binary)
    if length is None:
        return Response(body, media_type="application/json")
    headers = {tensors.HEADER_LENGTH: str(length)}
    return Response(body, headers=headers, media_type="application/octet-stream")


def _stack(found: list[Found]) -> dict[OutputName, Tensor]:
    counts = [len(each.detections) for each in found]
    shape = (len(found), max(counts))
    boxes = np.zeros((*shape, 4), np.float32)
    scores = np.zeros(shape, np.float32)
    class_ids = np.zeros(shape, np.int64)
    for row, each in enumerate(found):
        for column, detection in enumerate(each.detections):
            box = detection.box
            boxes[row, column] = (box.x1, box.y1, box.x2, box.y2)
            scores[row, column] = detection.score
            class_ids[row, column] = detection.class_id
    return {
        "num_detections": np.array(counts, np.int64),
        "boxes": boxes,
        "scores": scores,
        "class_ids": class_ids,
    }
