"""Requests and answers of the Open Inference Protocol, apart from how they travel.

Protocol: github.com/kserve/open-inference-protocol, REST. The model takes ``image``, BYTES of shape
[n]: encoded images, raw in the binary form and base64 in JSON. It gives ``num_detections`` [n]
and, filled up with zeros to the largest number k, ``boxes`` [n, k, 4], ``scores`` [n, k] and
``class_ids`` [n, k]. The request's ``parameters`` may hold ``score_threshold``, ``max_detections``
and ``classes`` (names separated by commas).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from serving.schemas import tensors
from serving.schemas.detections import DetectionResult, ModelRef
from serving.schemas.options import DetectOptions
from serving.schemas.tensors import Tensor, TensorError
from serving.schemas.validation import first_error

OutputName = Literal["num_detections", "boxes", "scores", "class_ids"]
INPUTS = [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
OUTPUTS = [
    {"name": "num_detections", "datatype": "INT64", "shape": [-1]},
    {"name": "boxes", "datatype": "FP32", "shape": [-1, -1, 4]},
    {"name": "scores", "datatype": "FP32", "shape": [-1, -1]},
    {"name": "class_ids", "datatype": "INT64", "shape": [-1, -1]},
]


def _names(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


class Parameters(DetectOptions):
    """What a request may ask for; the protocol's other parameters are let through."""

    model_config = ConfigDict(extra="ignore")

    classes: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    binary_data_output: bool = False


class OutputParameters(BaseModel):
    """In which form an output is wanted; None for the request's ``binary_data_output``."""

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


def read_request(
    body: bytes, header_length: str | None, most: int
) -> tuple[InferRequest, list[bytes]]:
    """Reads a request.

    Args:
        body: The message.
        header_length: What the HTTP header ``Inference-Header-Content-Length`` says, if it is
            there.
        most: Most images in a request.

    Returns:
        The request's JSON, and its encoded images.

    Raises:
        TensorError: The message is not a request for this model.
    """
    header, raw = tensors.split(body, header_length)
    wanted = _validate(header)
    return wanted, _images(wanted, raw, most)


def write_answer(
    wanted: InferRequest, model: ModelRef, found: list[DetectionResult]
) -> tuple[bytes, int | None]:
    """Writes the answer to a request.

    Returns:
        The body, and the length of its JSON if raw bytes follow.
    """
    outputs = _stack(found)
    in_form: dict[OutputName, bool | None] = {
        each.name: each.parameters.binary_data for each in wanted.outputs
    } or dict.fromkeys(outputs)
    default = wanted.parameters.binary_data_output
    binary = [name for name, form in in_form.items() if (default if form is None else form)]
    start = {"model_name": model.name, "model_version": model.version}
    if wanted.id is not None:
        start["id"] = wanted.id
    chosen = {name: outputs[name] for name in in_form}
    return tensors.write(start, "outputs", chosen, binary)


def _validate(header: dict[str, Any]) -> InferRequest:
    try:
        return InferRequest.model_validate(header)
    except ValidationError as error:
        raise TensorError(first_error(error, "the request")) from error


def _images(wanted: InferRequest, raw: bytes, most: int) -> list[bytes]:
    given = tensors.read_tensors(wanted.inputs, raw)
    images = given.get("image")
    if set(given) != {"image"} or not isinstance(images, list):
        raise TensorError("the one input is 'image' of type BYTES")
    if not 1 <= len(images) <= most:
        raise TensorError(f"a request has 1 to {most} images, this one has {len(images)}")
    return images


def _stack(found: list[DetectionResult]) -> dict[OutputName, Tensor]:
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
