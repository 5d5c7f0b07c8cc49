"""PyTorch: a bundle's exported program, on the GPU where there is one."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch
import torchvision  # noqa: F401 (registers deformable convolution)
from numpy.typing import NDArray
from torch.export.passes import move_to_device_pass

from serving.bundle import Bundle, BundleError
from serving.inference.engines import Candidates, EngineError, EngineOptions
from serving.inference.engines.program import refuse_code

_MODEL_FILE = "model.pt2"


class _TorchEngine:
    """Runs a bundle's ``model.pt2``.

    Args:
        bundle: The bundle.
        options: Its threads hold for the process; 0 for PyTorch's default.

    Raises:
        BundleError: ``model.pt2`` is missing, unreadable, not trusted, or holds more than a
            network.
        EngineError: The device is not there.
    """

    concurrent_runs = 1

    def __init__(self, bundle: Bundle, options: EngineOptions) -> None:
        if options.threads:
            torch.set_num_threads(options.threads)
        archive = bundle.read(_MODEL_FILE)
        if not (bundle.is_verified or options.trust_program):
            raise BundleError(
                f"{bundle.path}: {_MODEL_FILE} is a program, and its signature was not checked: "
                "name the public key (--verify-key, UMOP_VERIFY_KEY), allow it unchecked "
                "(--trust-program, UMOP_TRUST_PROGRAM=1), or use the engine onnxruntime"
            )
        try:
            refuse_code(archive)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program = torch.export.load(io.BytesIO(archive))
        except Exception as error:  # PyTorch's reader raises many kinds on damaged input
            reason = _first_line(error)
            raise BundleError(f"{bundle.path}: {_MODEL_FILE} cannot be run: {reason}") from error
        self._device = torch.device(_device(options.device))
        # The bundle's sizes are multiples of 32, which is all that the program's guards ask for.
        try:
            self._network = move_to_device_pass(program, self._device).module(check_guards=False)
        except RuntimeError as error:
            raise EngineError(f"{self._device} cannot be used: {_first_line(error)}") from error

    def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
        """See ``serving.inference.engines.Engine.run``."""
        try:
            with torch.inference_mode():
                outputs = self._network(torch.from_numpy(batch).to(self._device))
                boxes, scores, labels = (output.cpu().numpy() for output in outputs)
        except RuntimeError as error:
            raise EngineError(f"PyTorch failed: {_first_line(error)}") from error
        return boxes, scores, labels

    def check(self) -> None:
        """See ``serving.inference.engines.Engine.check``."""
        try:
            torch.zeros(1, device=self._device).cpu()
        except RuntimeError as error:
            raise EngineError(f"{self._device} has failed: {_first_line(error)}") from error


open_engine = _TorchEngine


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _first_line(error: Exception) -> str:
    """Its message, cut short; its kind where it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)
