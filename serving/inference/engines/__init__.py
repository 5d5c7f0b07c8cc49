"""Engines run the network. Each is one module, imported only when it is chosen."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Bundle
from serving.inference.engines.cpu_limit import cpu_limit

Candidates = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]


class EngineError(Exception):
    """The engine cannot run here or has stopped working; the message is one line."""


class Engine(Protocol):
    """Runs a bundle's network.

    Attributes:
        lanes: Runs that are faster at the same time than one after another.
    """

    lanes: int

    def run(self, batch: NDArray[np.float32], *, alone: bool = True) -> Candidates:
        """Finds candidates in a batch.

        Args:
            batch: Normalised RGB, float32, shape (n, 3, height, width).
            alone: Whether no other run goes on at the same time.

        Returns:
            Boxes (n, k, 4), scores (n, k) and labels (n, k), as
            ``serving.inference.postprocess.select`` takes them.

        Raises:
            EngineError: The device failed or is out of memory.
        """

    def check(self) -> None:
        """Raises ``EngineError`` unless the device that runs the network still works."""


def open_engine(
    bundle: Bundle,
    name: str = "onnxruntime",
    *,
    threads: int = 0,
    device: str = "auto",
    gpu_memory: int = 0,
    trust_program: bool = False,
) -> Engine:
    """Opens a bundle's network in the engine of that name.

    Args:
        bundle: The bundle that holds the network.
        name: ``onnxruntime``, ``openvino`` or ``torch``.
        threads: Threads of one run on the CPU; 0 for one a core, or a container's limit of them.
        device: ``cpu``, ``cuda``, for example ``cuda:1``, or ``auto``: the first GPU that the
            engine can use, else the CPU.
        gpu_memory: For ``onnxruntime``, most bytes of GPU memory that the network's data may take;
            0 for no limit.
        trust_program: For ``torch``, whether to run a program whose signature was not checked.

    Raises:
        BundleError: The bundle has no network for this engine, or one that it cannot read or
            must not run.
        EngineError: There is no such engine here, or it cannot use the device.
    """
    threads = threads or cpu_limit()
    if name == "onnxruntime":
        from serving.inference.engines.onnx import OnnxEngine

        return OnnxEngine(bundle, threads=threads, device=device, gpu_memory=gpu_memory)
    if name == "openvino":
        try:
            from serving.inference.engines.openvino import OpenVinoEngine
        except ImportError as error:
            install = "pip install 'umop[openvino]'"
            raise EngineError(f"the engine openvino needs its package: {install}") from error
        return OpenVinoEngine(bundle, threads=threads, device=device)
    if name == "torch":
        try:
            from serving.inference.engines.torch import TorchEngine
        except ImportError as error:
            raise EngineError(f"the engine torch needs torch and torchvision: {error}") from error
        return TorchEngine(bundle, threads=threads, device=device, trust_program=trust_program)
    raise EngineError(f"unknown engine {name!r}; choose onnxruntime, openvino or torch")
