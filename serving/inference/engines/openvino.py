"""OpenVINO, on Intel's and AMD's processors."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

import numpy as np
import openvino
from numpy.typing import NDArray

from serving.bundle import Bundle, BundleError
from serving.inference.engines import Candidates, EngineError, EngineOptions
from serving.inference.engines.onnxruntime import MODEL_FILE, OUTPUT_NAMES, require_names


class _OpenVinoEngine:
    """Runs a bundle's ``model.onnx`` on the CPU.

    Where the processor has instructions for bfloat16, OpenVINO uses them.

    Args:
        bundle: The bundle.
        options: Its device is ``cpu`` or ``auto``.

    Raises:
        BundleError: ``model.onnx`` is missing, unreadable or has other inputs and outputs.
        EngineError: A GPU is requested.
    """

    concurrent_runs = 1

    def __init__(self, bundle: Bundle, options: EngineOptions) -> None:
        if options.device.startswith("cuda"):
            raise EngineError(
                f"{options.device} cannot be used: the engine openvino runs on the CPU"
            )
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": options.threads}
        model = bundle.read(MODEL_FILE)
        try:
            core = openvino.Core()
            compiled = core.compile_model(core.read_model(model), "CPU", hints)
        except RuntimeError as error:
            raise BundleError(
                f"{bundle.path}: {MODEL_FILE} cannot be run: {_last(error)}"
            ) from error
        require_names(bundle, _names(compiled.inputs), _names(compiled.outputs))
        self._request = compiled.create_infer_request()
        self._one_at_a_time = Lock()

    def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
        """See ``serving.inference.engines.Engine.run``."""
        with self._one_at_a_time:
            try:
                found = self._request.infer({"image": batch}, share_inputs=True)
            except RuntimeError as error:
                raise EngineError(f"OpenVINO failed: {_last(error)}") from error
            boxes, scores, labels = (found[name] for name in OUTPUT_NAMES)
        return boxes, scores, labels

    def check(self) -> None:
        """See ``serving.inference.engines.Engine.check``; the CPU is always there."""


open_engine = _OpenVinoEngine


def _names(ports: Iterable[openvino.ConstOutput]) -> set[str]:
    return {port.any_name for port in ports}


def _last(error: RuntimeError) -> str:
    """The reason, which is the last line of OpenVINO's messages."""
    return str(error).strip().splitlines()[-1]
