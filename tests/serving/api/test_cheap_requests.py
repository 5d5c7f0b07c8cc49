"""Small requests that once took seconds, gigabytes or a 500: none does, and nobody waits."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.schemas.validation import MOST_VALUES
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import RunningServer, running

PNG = encode(TWO_SQUARES)
INFER = "/v2/models/squares/infer"
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def service(bundle_path: Path) -> Iterator[RunningServer]:
    with running("--bundle", str(bundle_path), "--threads", "1") as server:
        server.detect(PNG)
        yield server


def message(*, raw: bytes | None = None, **members: Any) -> tuple[bytes, dict[str, str]]:
    """A message of the Open Inference Protocol whose input has other members than it should."""
    parameters = {} if raw is None else {"binary_data_size": len(raw)}
    image = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters}
    header = json.dumps({"inputs": [{**image, **members}]}).encode()
    return header + (raw or b""), {"Inference-Header-Content-Length": str(len(header))}


def in_json(body: object) -> tuple[bytes, dict[str, str]]:
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def one_input(**members: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "image", "datatype": "BYTES"} | members]}


MANY = 300_000
HUGE = 10**4000
CHEAP: dict[str, tuple[str, tuple[bytes, dict[str, str]]]] = {
    "empty items": (INFER, message(raw=bytes(MEGABYTE), shape=[MEGABYTE // 4])),
    "empty items, one announced": (INFER, message(raw=bytes(MEGABYTE))),
    "small items": (INFER, message(raw=struct.pack("<I", 1) + b"a", shape=[1, 10**9])),
    "long and short strings": (INFER, in_json(one_input(shape=[2], data=["A" * 10**5, "A"]))),
    "many strings": (INFER, in_json(one_input(shape=[MANY], data=["A"] * MANY))),
    "a long shape": (INFER, in_json(one_input(shape=[2] * MANY, data=[]))),
    "a shape of huge numbers": (INFER, in_json(one_input(shape=[HUGE] * 200, data=[]))),
    "a negative shape": (INFER, in_json(one_input(shape=[-1], data=[]))),
    "a nested list": (INFER, (b'{"inputs":' + b"[" * MEGABYTE, {})),
    "many inputs": (INFER, in_json({"inputs": [{}] * MANY})),
    "many copies of an input": (INFER, in_json({"inputs": [one_input()["inputs"][0]] * MANY})),
    "many outputs": (INFER, in_json({"inputs": [{}], "outputs": [{}] * MANY})),
    "an enormous id": (INFER, in_json({"inputs": [], "id": "a" * MEGABYTE})),
    "an enormous name": (INFER, in_json({"inputs": [{"name": 1, "a" * MEGABYTE: 1}]})),
    "half a character": (INFER, in_json({"inputs": [], "outputs": [{"name": "\ud800"}]})),
    "an enormous class": (INFER, in_json({"inputs": [], "parameters": {"classes": "a" * 10**6}})),
    "many images": ("/detect/batch", in_json({"images": [{}] * MANY})),
    "many unknown keys": ("/detect", in_json({f"k{number}": 1 for number in range(MANY)})),
    "few unknown keys": ("/detect", in_json({f"k{number}": 1 for number in range(4000)})),
    "an enormous key": ("/detect", in_json({"a" * MEGABYTE: 1})),
    "half a key": ("/detect", in_json({"\ud800": 1})),
    "deep JSON": ("/detect", (b"[" * MEGABYTE, {"Content-Type": "application/json"})),
    "a long number": ("/detect", (b"1" * MEGABYTE, {"Content-Type": "application/json"})),
    "spaced base64": ("/detect", in_json({"image": "A " * (MEGABYTE // 2)})),
}


@pytest.mark.parametrize("name", CHEAP)
def test_a_small_request_is_refused_in_no_time_and_space(name: str, service: RunningServer) -> None:
    path, (body, headers) = CHEAP[name]
    before = service.peak_memory()
    with waiting(service.url) as longest:
        answer = httpx.post(service.url + path, content=body, headers=headers, timeout=60)
    assert answer.status_code in {400, 415, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 2000
    assert longest[0] < 1, "others waited"
    assert service.peak_memory() < before + 100 * MEGABYTE


class waiting:  # noqa: N801  # reads as a phrase
    """Asks for ``/healthz`` all the time; its value's one item is the longest wait."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._longest = [0.0]
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> list[float]:
        self._thread.start()
        return self._longest

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._over.is_set():
                began = time.monotonic()
                client.get(f"{self._url}/healthz")
                self._longest[0] = max(self._longest[0], time.monotonic() - began)
                time.sleep(0.01)


def infer(service: RunningServer, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(service.url + INFER, content=body, headers=headers, timeout=30)


def test_what_a_message_says_and_holds_agrees(service: RunningServer) -> None:
    item = struct.pack("<I", len(PNG)) + PNG
    base64_png = base64.b64encode(PNG).decode()
    assert infer(service, *message(raw=item)).status_code == 200
    assert infer(service, *in_json(one_input(shape=[1], data=[base64_png]))).status_code == 200
    body, headers = message(raw=item)
    wrong = {
        "shape": message(raw=item, shape=[2]),
        "no items": message(raw=b"", shape=[0]),
        "rest": (body + b"rest", headers),
        "cut": (body[:-1], headers),
        "data and bytes": message(raw=item, data=[base64_png]),
        "JSON's shape": in_json(one_input(shape=[2], data=[base64_png])),
        "JSON's dimensions": in_json(one_input(shape=[1, 1], data=[base64_png])),
        "a negative size": message(parameters={"binary_data_size": -3}),
        "a size that is none": message(raw=item, parameters={"binary_data_size": True}),
        "shared memory": message(parameters={"shared_memory_region": "a"}),
        "a letter": in_json(one_input(shape=[1], data=["é"])),
        "a number": in_json(one_input(shape=[1], data=[1])),
        "data that is a string": in_json(one_input(shape=[1], data=base64_png)),
    }
    answers = {name: infer(service, *request).status_code for name, request in wrong.items()}
    assert answers == dict.fromkeys(wrong, 400)


@pytest.mark.parametrize(
    "parameters", [{"classification": 3}, {"shared_memory_region": "a"}, {"binary_data": "maybe"}]
)
def test_what_an_output_asks_for_is_given_or_refused(
    service: RunningServer, parameters: dict[str, object]
) -> None:
    item = struct.pack("<I", len(PNG)) + PNG
    image = {"name": "image", "datatype": "BYTES", "shape": [1]}
    image["parameters"] = {"binary_data_size": len(item)}
    outputs = [{"name": "scores", "parameters": parameters}]
    header = json.dumps({"inputs": [image], "outputs": outputs}).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    answer = infer(service, header + item, length)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:umop:problem:invalid-tensors"


@pytest.mark.parametrize(
    "parameters",
    [{"classification": 3}, {"shared_memory_region": "a"}, {"shared_memory_offset": 1}],
)
def test_extensions_are_refused_wherever_they_are_asked_for(
    service: RunningServer, parameters: dict[str, object]
) -> None:
    fine = one_input(shape=[1], data=[base64.b64encode(PNG).decode()])
    for_request = {**fine, "parameters": parameters}
    for_input = one_input(**{**fine["inputs"][0], "parameters": parameters})
    for body in (for_request, for_input):
        answer = infer(service, *in_json(body))
        assert answer.status_code == 400
        assert "not offered" in answer.json()["detail"]


def test_a_document_may_have_as_many_values_as_a_batch_needs(service: RunningServer) -> None:
    text = base64.b64encode(PNG).decode()
    body, headers = in_json({"images": [{"image": text}] * 16})
    answer = httpx.post(f"{service.url}/detect/batch", content=body, headers=headers, timeout=60)
    assert answer.status_code == 200
    assert MOST_VALUES > 16 * 8


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(PNG).decode(),
        "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "DATA:;Base64," + base64.b64encode(PNG).decode(),
        base64.encodebytes(PNG).decode(),
        base64.encodebytes(PNG).decode().replace("\n", "\r\n"),
    ],
)
def test_base64_is_taken_as_the_web_writes_it(service: RunningServer, text: str) -> None:
    answer = httpx.post(f"{service.url}/detect", json={"image": text}, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["image"] == {"width": 640, "height": 512}
    assert infer(service, *in_json(one_input(shape=[1], data=[text]))).status_code == 200


@pytest.mark.parametrize("text", ["data:image/png,AAAA", "data:" + "A" * 500, "AAA", "A=AA", "é"])
def test_other_base64_is_refused_with_the_reason(service: RunningServer, text: str) -> None:
    answer = httpx.post(f"{service.url}/detect", json={"image": text})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("'image' is not base64: ")
