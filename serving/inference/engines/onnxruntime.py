"""ONNX Runtime, on the CPU or a GPU."""

from __future__ import annotations

import logging
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from serving.bundle import Bundle, BundleError
from serving.cpu_limit import usable_cores
from serving.inference.engines import Candidates, EngineError, EngineOptions

MODEL_FILE = "model.onnx"
LARGE_PIXELS = 2_000_000
"""A run of more pixels than this gives its memory back; a run that does takes a quarter longer."""
OUTPUT_NAMES = ("boxes", "scores", "labels")
_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"

_log = logging.getLogger(__name__)
ort.set_default_logger_severity(4)  # errors are raised, too, and told in one line each


class OnnxEngine:
    """Runs a bundle's ``model.onnx``.

    On a CPU, two runs with half of the threads each are faster than one after the other with all: a
    network has parts that many threads do not speed up. An odd number is not halved, for a core
    would be idle.

    Args:
        bundle: The bundle.
        options: Its device may also be ``auto:1``: that GPU where ONNX Runtime can use it, else
            the CPU.

    Raises:
        BundleError: ``model.onnx`` is missing, unreadable or has other inputs and outputs.
        EngineError: A GPU is requested, and this ONNX Runtime can use none.
    """

    def __init__(self, bundle: Bundle, options: EngineOptions) -> None:
        device = options.device
        self._bundle = bundle
        self._threads = options.threads
        self._providers = _providers(device, options.gpu_memory)
        self._session = self._open(options.threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        require_names(bundle, {node.name for node in inputs}, {node.name for node in outputs})
        self._gpu = _index(device) if _CUDA in self._session.get_providers() else None
        if self._gpu is None and device.startswith("cuda"):
            raise EngineError(f"{device} cannot be used: {_why_not()}")
        self.concurrent_runs = 2 if self._gpu is None and self._cores % 2 == 0 else 1
        self._large, self._opening = Lock(), Lock()
        self._half: ort.InferenceSession | None = None
        self._returning_memory = ort.RunOptions()
        arenas = "cpu:0" if self._gpu is None else f"cpu:0;gpu:{self._gpu}"
        self._returning_memory.add_run_config_entry("memory.enable_memory_arena_shrinkage", arenas)
        _log.info("the network runs on %s", "the CPU" if self._gpu is None else f"GPU {self._gpu}")

    @property
    def _cores(self) -> int:
        return self._threads or usable_cores()

    def _beside_another(self) -> ort.InferenceSession:
        """The network once more, for two runs at the same time."""
        with self._opening:
            if self._half is None:
                self._half = self._open(self._cores // 2)
            return self._half

    def _open(self, threads: int) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            return ort.InferenceSession(
                self._bundle.read(MODEL_FILE), options, providers=self._providers
            )
        except BundleError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            reason = str(error).splitlines()[0]
            raise BundleError(
                f"{self._bundle.path}: {MODEL_FILE} cannot be run: {reason}"
            ) from error

    def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
        """See ``serving.inference.engines.Engine.run``."""
        if batch.size > 3 * LARGE_PIXELS:
            with self._large:
                return self._run(self._session, batch, self._returning_memory)
        return self._run(self._session if exclusive else self._beside_another(), batch)

    def _run(
        self,
        session: ort.InferenceSession,
        batch: NDArray[np.float32],
        options: ort.RunOptions | None = None,
    ) -> Candidates:
        try:
            boxes, scores, labels = session.run(list(OUTPUT_NAMES), {"image": batch}, options)
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed: {str(error).splitlines()[0]}") from error
        return boxes, scores, labels

    def check(self) -> None:
        """See ``serving.inference.engines.Engine.check``; the CPU is always there."""
        if self._gpu is None:
            return
        try:
            ort.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32), "cuda", self._gpu)
        except Exception as error:
            raise EngineError(f"the GPU has failed: {str(error).splitlines()[0]}") from error


open_engine = OnnxEngine


def require_names(bundle: Bundle, inputs: set[str], outputs: set[str]) -> None:
    """Checks the inputs and outputs of a network.

    Args:
        bundle: The bundle that it is from, for the error's message.
        inputs: Their names.
        outputs: Their names.

    Raises:
        BundleError: They are not those that an engine uses.
    """
    if inputs != {"image"} or not outputs.issuperset(OUTPUT_NAMES):
        raise BundleError(
            f"{bundle.path}: {MODEL_FILE} maps {sorted(inputs)} to {sorted(outputs)}, "
            f"not image to {', '.join(OUTPUT_NAMES)}"
        )


def _providers(device: str, gpu_memory: int) -> list[Any]:
    """What may run the network, the best first; ONNX Runtime passes over what it cannot load."""
    if device == "cpu" or _CUDA not in ort.get_available_providers():
        return [_CPU]
    ort.preload_dlls()
    options = {
        "device_id": _index(device),
        # The arena grows by what is needed, not to the next power of two.
        "arena_extend_strategy": "kSameAsRequested",
        # An exhaustive search runs again for every input size, and takes workspace without limit.
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "0",
    }
    if gpu_memory:
        options["gpu_mem_limit"] = gpu_memory
    return [(_CUDA, options), _CPU]


def _index(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _why_not() -> str:
    if _CUDA not in ort.get_available_providers():
        return (
            "this is the ONNX Runtime for the CPU; "
            "install onnxruntime-gpu in its place (the extra 'gpu')"
        )
    return "ONNX Runtime finds no GPU with a driver for CUDA 13; in a container, give --gpus all"
