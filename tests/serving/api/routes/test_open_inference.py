"""The protocol, as Triton's own client speaks it."""

from __future__ import annotations

import base64

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.serving.images import TWO_BOXES, TWO_SQUARES, encode, paint

PNG = encode(TWO_SQUARES)


@pytest.fixture(scope="module")
def client(server: str) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(server.removeprefix("http://"))


def image_input(*images: bytes, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput("image", [len(images)], "BYTES")
    items = images if binary else [base64.b64encode(each) for each in images]
    return tensor.set_data_from_numpy(np.array(items, np.object_), binary_data=binary)


def test_health_and_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("squares")
    assert client.is_model_ready("squares", "1")
    assert not client.is_model_ready("circles")
    assert client.get_server_metadata()["name"] == "umop"
    metadata = client.get_model_metadata("squares")
    assert metadata["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert len(metadata["outputs"]) == 4


@pytest.mark.parametrize("binary_input", [True, False])
@pytest.mark.parametrize("binary_output", [True, False, None])
def test_infer(
    client: triton.InferenceServerClient, binary_input: bool, binary_output: bool | None
) -> None:
    names = ("num_detections", "boxes", "scores", "class_ids")
    outputs = (
        None
        if binary_output is None
        else [triton.InferRequestedOutput(name, binary_data=binary_output) for name in names]
    )
    result = client.infer(
        "squares",
        [image_input(PNG, encode(paint(90, 40)), binary=binary_input)],
        outputs=outputs,
        request_id="seven",
        parameters={"score_threshold": 0.95},
    )
    assert result.get_response()["id"] == "seven"
    assert result.as_numpy("num_detections").tolist() == [2, 0]
    assert result.as_numpy("class_ids").tolist() == [[0, 2], [0, 0]]
    boxes = result.as_numpy("boxes")
    assert boxes.dtype == np.float32
    assert boxes[0].tolist() == [TWO_BOXES["red"], TWO_BOXES["blue"]]


def test_parameters_filter(client: triton.InferenceServerClient) -> None:
    parameters = {"score_threshold": 0.95, "classes": "blue"}
    result = client.infer("squares", [image_input(PNG)], parameters=parameters)
    assert result.as_numpy("class_ids").tolist() == [[2]]


def test_errors_reach_the_client(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="not a JPEG, PNG"):
        client.infer("squares", [image_input(b"hello")])
    with pytest.raises(InferenceServerException, match="there is only squares"):
        client.infer("circles", [image_input(PNG)])


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", {}),
        (b"[]", {}),
        (b"{}", {}),
        (b'{"inputs": [{}]}', {}),
        (b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [1], "data": [1]}]}', {}),
        (b'{"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["?"]}]}', {}),
        (b'{"inputs": []}', {"Inference-Header-Content-Length": "999"}),
        (b'{"inputs": []}', {"Inference-Header-Content-Length": "-1"}),
        (b'{"inputs": []}', {"Inference-Header-Content-Length": "x"}),
        (b'{"inputs": 1, "outputs": 2, "parameters": 3}', {}),
    ],
)
def test_malformed_messages_are_problems(
    server: str, content: bytes, headers: dict[str, str]
) -> None:
    answer = httpx.post(f"{server}/v2/models/squares/infer", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:umop:problem:invalid-tensors"
