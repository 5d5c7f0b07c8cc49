"""The network in another server of the Open Inference Protocol.

The stand-in below reads and writes the protocol's binary form by itself, as Triton's
documentation lays it out, and runs the network in ONNX Runtime.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import onnxruntime as ort
import pytest

from tests.serving.images import TWO_SQUARES, encode
from tests.serving.problems import assert_problem
from tests.serving.running import free_ports, running
from tests.serving.waiting import wait_until

PNG = encode(TWO_SQUARES)


@contextmanager
def inference_server(bundle: Path, port: int) -> Iterator[None]:
    session = ort.InferenceSession(bundle / "model.onnx")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(200 if self.path == "/v2/models/crowns/ready" else 404, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            length = int(self.headers["Inference-Header-Content-Length"])
            [tensor] = json.loads(body[:length])["inputs"]
            image = np.frombuffer(body[length:], "<f4").reshape(tensor["shape"])
            assert tensor["parameters"]["binary_data_size"] == image.nbytes
            boxes, scores, labels = session.run(["boxes", "scores", "labels"], {"image": image})
            outputs = [
                described("boxes", "FP32", boxes),
                described("labels", "INT64", labels),
                {**described("scores", "FP32", scores, binary=False)},
            ]
            header = json.dumps({"model_name": "crowns", "outputs": outputs}).encode()
            raw = boxes.astype("<f4").tobytes() + labels.astype("<i8").tobytes()
            self.answer(200, header + raw, len(header))

        def answer(self, status: int, body: bytes, header_length: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if header_length:
                self.send_header("Inference-Header-Content-Length", str(header_length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def described(
    name: str, datatype: str, tensor: np.ndarray, binary: bool = True
) -> dict[str, object]:
    entry: dict[str, object] = {"name": name, "datatype": datatype, "shape": tensor.shape}
    if binary:
        return {**entry, "parameters": {"binary_data_size": tensor.nbytes}}
    return {**entry, "data": tensor.ravel().tolist()}


@pytest.mark.parametrize("parameters", [{}, {"score_threshold": 0.95}, {"classes": "blue"}])
def test_the_answers_are_the_embedded_ones(
    bundle_path: Path, server: str, parameters: dict[str, str]
) -> None:
    [port] = free_ports(1)
    options = ("--backend", "openinference", "--openinference-url", f"http://127.0.0.1:{port}")
    with (
        inference_server(bundle_path, port),
        running("--bundle", str(bundle_path), *options, "--remote-model", "crowns") as front,
    ):
        through, embedded = (
            httpx.post(f"{url}/detect", params=parameters, content=PNG).json()
            for url in (front.url, server)
        )
    through.pop("timing_ms")
    embedded.pop("timing_ms")
    assert through == embedded


def test_a_server_that_is_down_is_503_until_it_is_up(bundle_path: Path) -> None:
    [port] = free_ports(1)
    options = ("--backend", "openinference", "--openinference-url", f"http://127.0.0.1:{port}")
    with running("--bundle", str(bundle_path), *options, "--remote-model", "crowns") as front:
        assert_problem(httpx.get(f"{front.url}/readyz"), 503, "not-ready")
        assert_problem(httpx.post(f"{front.url}/detect", content=PNG), 503, "engine-failed")
        with inference_server(bundle_path, port):
            wait_until(lambda: httpx.get(f"{front.url}/readyz").status_code == 200)
            assert httpx.post(f"{front.url}/detect", content=PNG).status_code == 200


@pytest.mark.parametrize("limit", [("--remote-timeout", "0.2"), ("--deadline", "2")])
def test_a_server_that_hangs_is_left_alone(bundle_path: Path, limit: tuple[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        options = ("--backend", "openinference", "--openinference-url", url)
        with running("--bundle", str(bundle_path), *options, *limit) as front:
            for _ in range(3):
                answer = httpx.post(f"{front.url}/detect", content=PNG)
                assert_problem(answer, 503, "engine-failed")
            answer = httpx.post(f"{front.url}/detect", content=PNG)
            assert_problem(answer, 503, "not-ready")
            assert answer.json()["detail"] == "the inference server is down"
            assert 1 <= int(answer.headers["Retry-After"]) <= 2
