"""Reads TorchServe's requests and writes the answers.

A request's body is an image, or a message of the Open Inference Protocol (KServe v2). An image's
``DetectOptions`` comes as JSON in the header ``X-UMOP-Options``; ``X-UMOP-Until`` says when a
caller leaves, in seconds since 1970, so that the time in TorchServe's queue counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from time import time
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from serving.bundle.schema import Manifest
from serving.errors import PROBLEMS, find_rule
from serving.inference.decoding import ImageError, ImageTooLargeError
from serving.inference.detector import Detector
from serving.inference.inputs import ModelInput
from serving.inference.postprocess import Detections, name_detections
from serving.inference.tiles import TiledImage, TooSlowError
from serving.schemas import tensors
from serving.schemas.detections import DetectionResult, ImageInfo, ModelRef
from serving.schemas.open_inference import InferRequest, read_request, write_answer
from serving.schemas.options import OPTIONS_HEADER, UNTIL_HEADER, DetectOptions
from serving.schemas.problems import MEDIA_TYPE, ProblemDocument, ProblemKind
from serving.schemas.validation import first_error

_JSON = "application/json"
MOST_IMAGES = 16
_PARTS = ("body", "data", "file")
EXPECTED: tuple[type[Exception], ...] = (*PROBLEMS, ValidationError)


@dataclass(frozen=True)
class Request:
    """One request of a batch, its images decoded.

    Attributes:
        images: One, or those of a message of the Open Inference Protocol.
        options: Its options.
        message: The protocol's message, None for a bare image.
        seconds: How long its caller still waits.
    """

    images: Sequence[ModelInput]
    options: DetectOptions
    message: InferRequest | None
    seconds: float

    @property
    def windows(self) -> int:
        """How many windows its images are looked at in; 0 where each is taken whole."""
        return sum(len(each.windows) for each in self.images if isinstance(each, TiledImage))


class _Caller(BaseModel):
    """What the headers say of who asks."""

    until: Annotated[float | None, Field(alias=UNTIL_HEADER.lower(), gt=0, allow_inf_nan=False)] = (
        None
    )

    def require_time(self) -> float:
        """Returns the seconds that are left.

        Raises:
            TooSlowError: None are.
        """
        left = inf if self.until is None else self.until - time()
        if left <= 0:
            raise TooSlowError(
                f"the answer was due {-left:.1f} s ago ({UNTIL_HEADER}, by the clock of TorchServe)"
            )
        return left


@dataclass(frozen=True)
class Answer:
    """What TorchServe sends back to one request."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: bytes


def read_prediction(
    parts: Mapping[str, Any], headers: Mapping[str, str], detector: Detector, max_pixels: int
) -> Request:
    """Reads one request.

    Args:
        parts: The body, or a form's fields, by name.
        headers: HTTP headers, names in lower case.
        detector: Prepares the images.
        max_pixels: Most pixels in one image.

    Raises:
        One of ``EXPECTED``, for which ``refuse`` has the answer.
    """
    seconds = _Caller.model_validate(dict(headers)).require_time()
    body = next((parts[name] for name in _PARTS if name in parts), None)
    if body is None:
        raise ImageError("there is no image: send it as the body with its own Content-Type")
    message: InferRequest | None = None
    images = [_bytes(body)]
    length = headers.get(tensors.HEADER_LENGTH.lower())
    if length or headers.get("content-type", "").startswith(_JSON):
        message, images = read_request(_bytes(body), length, MOST_IMAGES)
        options = message.parameters.options()
    else:
        given = headers.get(OPTIONS_HEADER.lower(), "{}")
        options = DetectOptions.model_validate_json(given)
    options.class_ids(detector.manifest.classes)
    return Request(_decoded(images, options, detector, max_pixels), options, message, seconds)


def _decoded(
    images: Sequence[bytes], options: DetectOptions, detector: Detector, max_pixels: int
) -> list[ModelInput]:
    """Decodes images; those with windows keep their pixels, of which there may be so many.

    Raises:
        ImageTooLargeError: An image has too many pixels, or all with windows have.
    """
    decoded: list[ModelInput] = []
    kept = 0
    for image in images:
        decoded.append(detector.inputs.prepare(image, options.tiles, max_pixels))
        if isinstance(decoded[-1], TiledImage):
            size = decoded[-1].original
            kept += size.width * size.height
        if kept > max_pixels:
            raise ImageTooLargeError(f"large images together have more than {max_pixels} pixels")
    return decoded


def write_prediction(
    request: Request,
    detections: Sequence[Detections],
    manifest: Manifest,
    seconds: Mapping[str, float],
) -> Answer:
    """Writes the answer to a request.

    Args:
        request: The request.
        detections: What was found in each of its images.
        manifest: Describes the model.
        seconds: Time spent in each stage.
    """
    model = ModelRef(name=manifest.name, version=manifest.version)
    found = [
        DetectionResult(
            model,
            ImageInfo(width=image.original.width, height=image.original.height),
            name_detections(each, manifest.classes),
            seconds,
        )
        for image, each in zip(request.images, detections, strict=True)
    ]
    if request.message is None:
        body = found[0].response().model_dump_json().encode()
        return Answer(HTTPStatus.OK, {"content-type": _JSON}, body)
    body, length = write_answer(request.message, model, found)
    if length is None:
        return Answer(HTTPStatus.OK, {"content-type": _JSON}, body)
    headers = {"content-type": "application/octet-stream", tensors.HEADER_LENGTH: str(length)}
    return Answer(HTTPStatus.OK, headers, body)


def refuse(error: Exception) -> Answer:
    """Writes the problem document (RFC 9457) for an error of ``EXPECTED``."""
    if isinstance(error, ValidationError):
        detail = first_error(error, OPTIONS_HEADER)
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail)
    rule = find_rule(error)
    return _problem(rule.status, rule.kind, rule.explain(error))


def _problem(status: HTTPStatus, kind: ProblemKind, detail: str) -> Answer:
    document = ProblemDocument.of(status, kind, detail)
    body = document.model_dump_json(exclude_none=True).encode()
    return Answer(status, {"content-type": MEDIA_TYPE}, body)


def _bytes(body: Any) -> bytes:
    """The body as it was sent: TorchServe may have parsed JSON and decoded text."""
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
