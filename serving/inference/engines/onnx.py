"""ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from serving.bundle import Bundle, BundleError
from serving.inference.engines import Candidates, EngineError

MODEL_FILE = "model.onnx"
LARGE_PIXELS = 2_000_000
"""A run of more pixels than this gives its memory back; a run that does takes a quarter longer."""
OUTPUTS = ("boxes", "scores", "labels")


class OnnxEngine:
    """Runs a bundle's `model.onnx` on the CPU.

    Args:
        bundle: The bundle.
        threads: Threads of one run; 0 for one a core.

    Raises:
        BundleError: `model.onnx` is missing, unreadable or has other inputs and outputs.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._returning_memory = ort.RunOptions()
        self._returning_memory.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        model = bundle.read(MODEL_FILE)
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            reason = str(error).splitlines()[0]
            raise BundleError(f"{bundle.path}: {MODEL_FILE} cannot be run: {reason}") from error
        self._check_names(bundle)

    def run(self, batch: NDArray[np.float32]) -> Candidates:
        """See `serving.inference.engines.Engine.run`."""
        is_large = batch.size > 3 * LARGE_PIXELS
        options = self._returning_memory if is_large else None
        try:
            boxes, scores, labels = self._session.run(list(OUTPUTS), {"image": batch}, options)
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed: {str(error).splitlines()[0]}") from error
        return boxes, scores, labels

    def check(self) -> None:
        """See `serving.inference.engines.Engine.check`; the CPU is always there."""

    def _check_names(self, bundle: Bundle) -> None:
        inputs = {node.name for node in self._session.get_inputs()}
        outputs = {node.name for node in self._session.get_outputs()}
        if inputs != {"image"} or not outputs.issuperset(OUTPUTS):
            raise BundleError(
                f"{bundle.path}: {MODEL_FILE} maps {sorted(inputs)} to {sorted(outputs)}, "
                f"not image to {', '.join(OUTPUTS)}"
            )
