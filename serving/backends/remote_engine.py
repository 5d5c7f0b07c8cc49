"""The bundle's network in another server of the Open Inference Protocol: Triton, KServe."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from serving.backends.breaker import Breaker
from serving.inference.engines import Candidates, EngineError
from serving.schemas import tensors

_OUTPUTS = ("boxes", "scores", "labels")


class OpenInferenceEngine:
    """Sends batches as tensors, in the protocol's binary form, and reads tensors back.

    Args:
        url: The server, for example ``http://triton:8000``.
        model: The model's name there.
        timeout: Seconds that one batch may take.
    """

    concurrent_runs = 1

    def __init__(self, url: str, model: str, *, timeout: float) -> None:
        self._client = httpx.Client(base_url=url, timeout=timeout, trust_env=False)
        self._path = f"/v2/models/{model}"
        self._breaker = Breaker("the inference server")

    def check(self) -> None:
        """See ``serving.inference.engines.Engine.check``."""
        self._breaker.require_closed()
        self._request("GET", f"{self._path}/ready")

    def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
        """See ``serving.inference.engines.Engine.run``.

        Raises:
            NotReadyError: The server failed several times, and is not asked for some seconds.
            EngineError: The server failed, or its answer is not the model's.
        """
        outputs = [{"name": name, "parameters": {"binary_data": True}} for name in _OUTPUTS]
        body, length = tensors.write_message(
            {"outputs": outputs}, "inputs", {"image": batch}, ["image"]
        )
        headers = {
            tensors.HEADER_LENGTH: str(length),
            "Content-Type": "application/octet-stream",
        }
        answer = self._infer(content=body, headers=headers)
        try:
            header, raw = tensors.split_message(
                answer.content, answer.headers.get(tensors.HEADER_LENGTH)
            )
            found = tensors.read_tensors(header.get("outputs"), raw)
            boxes, scores, labels = (np.asarray(found[name]) for name in _OUTPUTS)
        except (tensors.TensorError, KeyError) as error:
            raise EngineError("the inference server's answer is not the model's outputs") from error
        return boxes, scores, labels

    def _infer(self, **request: Any) -> httpx.Response:
        self._breaker.enter()
        try:
            answer = self._request("POST", f"{self._path}/infer", **request)
        except EngineError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return answer

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.TransportError as error:
            raise EngineError("the inference server cannot be reached") from error
        if answer.is_error:
            raise EngineError(f"the inference server answered {answer.status_code} to {path}")
        return answer
