"""Requests and answers of the Open Inference Protocol, apart from how they travel.

Protocol: github.com/kserve/open-inference-protocol, REST. The model takes ``image``, BYTES of shape
[n]: encoded images, raw in the binary form and base64 in JSON. It gives ``num_detections`` [n]
and, filled up with zeros to the largest number k, ``boxes`` [n, k, 4], ``scores`` [n, k] and
``class_ids`` [n, k]. The request's ``parameters`` may hold ``score_threshold``, ``max_detections``,
``classes`` (names separated by commas) and ``tiles``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, ValidationError

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


def _refuse_extensions(parameters: object) -> object:
    given = parameters if isinstance(parameters, dict) else {}
    if any(str(key).startswith("shared_memory_") for key in given):
        raise ValueError("shared memory is not offered; send the data with the request")
    if given.get("classification"):
        raise ValueError("classification is not offered: no output has scores of all classes")
    return parameters


class Parameters(DetectOptions):
    """What a request may ask for; the protocol's other parameters are let through."""

    model_config = ConfigDict(extra="ignore")

    classes: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    binary_data_output: bool = False

    def options(self) -> DetectOptions:
        """Returns what is asked of the model, without how the answer is sent."""
        return DetectOptions(**self.model_dump(exclude={"binary_data_output"}))


class InputParameters(BaseModel):
    """How an input is sent."""

    binary_data_size: Annotated[int, Field(ge=0, strict=True)] | None = None


class Input(BaseModel):
    """An input."""

    name: str
    datatype: str
    shape: Annotated[
        list[Annotated[int, Field(ge=0, le=2**31, strict=True)]], Field(max_length=8), FailFast()
    ]
    parameters: Annotated[InputParameters, BeforeValidator(_refuse_extensions)] = InputParameters()
    data: Any = None


class OutputParameters(BaseModel):
    """In which form an output is wanted; None for the request's ``binary_data_output``."""

    binary_data: bool | None = None


class RequestedOutput(BaseModel):
    """An output that the answer is to have."""

    name: OutputName
    parameters: Annotated[OutputParameters, BeforeValidator(_refuse_extensions)] = (
        OutputParameters()
    )


class InferRequest(BaseModel):
    """The JSON header of a request; no outputs stands for all of them."""

    id: Annotated[str, Field(max_length=1024)] | None = None
    inputs: Annotated[list[Input], Field(min_length=1, max_length=len(INPUTS)), FailFast()]
    outputs: Annotated[list[RequestedOutput], Field(max_length=len(OUTPUTS)), FailFast()] = []
    parameters: Annotated[Parameters, BeforeValidator(_refuse_extensions)] = Parameters()


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
    header, raw = tensors.split_message(body, header_length, is_request=True)
    wanted = _validate(header)
    return wanted, _images(wanted, raw, most)


def write_answer(
    wanted: InferRequest, model: ModelRef, found: list[DetectionResult]
) -> tuple[bytes, int | None]:
    """Writes the answer to a request.

    Args:
        wanted: The request: its id, the outputs that it asks for, and their form.
        model: The model that the answer names.
        found: What was found in each image, in the request's order; at least one.

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
    return tensors.write_message(start, "outputs", chosen, binary)


def _validate(header: dict[str, Any]) -> InferRequest:
    try:
        return InferRequest.model_validate(header)
    except ValidationError as error:
        raise TensorError(first_error(error, "the request")) from error


def _images(wanted: InferRequest, raw: memoryview, most: int) -> list[bytes]:
    [image] = wanted.inputs
    if (image.name, image.datatype) != ("image", "BYTES"):
        raise TensorError("the one input is 'image' of type BYTES")
    if len(image.shape) != 1 or not 1 <= image.shape[0] <= most:
        raise TensorError(
            f"a request has 1 to {most} images: the shape of 'image' is [1] to [{most}]"
        )
    [count] = image.shape
    size = image.parameters.binary_data_size
    if (size or 0) != len(raw):
        raise TensorError("the bytes after the JSON header are not as many as its tensors say")
    if size is None:
        return tensors.read_json_items(image.data, count)
    if image.data is not None:
        raise TensorError("an input has either 'data' or 'binary_data_size'")
    return tensors.read_items(raw, count)


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
