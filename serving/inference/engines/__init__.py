"""Engines run the network.

An engine is one module here, imported only when it is chosen, with a function
``open_engine(bundle, options)``; its name is in ``serving.schemas.names.EngineName``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Bundle
from serving.cpu_limit import cpu_limit
from serving.schemas.names import EngineName

Candidates = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]


class EngineError(Exception):
    """The engine cannot run here or has stopped working; the message is one line."""


class Engine(Protocol):
    """Runs a bundle's network.

    Attributes:
        concurrent_runs: Runs that are faster at the same time than one after another.
    """

    concurrent_runs: int

    def run(self, batch: NDArray[np.float32], *, exclusive: bool = True) -> Candidates:
        """Finds candidates in a batch.

        Args:
            batch: Normalised RGB, float32, shape (n, 3, height, width).
            exclusive: Whether no other run goes on at the same time.

        Returns:
            Boxes (n, k, 4), scores (n, k) and labels (n, k), as
            ``serving.inference.postprocess.select`` takes them.

        Raises:
            EngineError: The device failed or is out of memory.
        """

    def check(self) -> None:
        """Raises ``EngineError`` unless the device that runs the network still works."""


@dataclass(frozen=True)
class EngineOptions:
    """How an engine runs a network; each engine takes what concerns it.

    Attributes:
        threads: Threads of one run on the CPU; 0 for one a core.
        device: ``cpu``, ``cuda``, for example ``cuda:1``, or ``auto``: the first GPU that the
            engine can use, else the CPU.
        gpu_memory: Most bytes of GPU memory that the network's data may take; 0 for no limit.
        trust_program: Whether to run a program whose signature was not checked.
    """

    threads: int = 0
    device: str = "auto"
    gpu_memory: int = 0
    trust_program: bool = False


def open_engine(
    bundle: Bundle,
    name: EngineName = "onnxruntime",
    *,
    threads: int = 0,
    device: str = "auto",
    gpu_memory: int = 0,
    trust_program: bool = False,
) -> Engine:
    """Opens a bundle's network in the engine of that name.

    Args:
        bundle: The bundle that holds the network.
        name: The engine's.
        threads: Threads of one run on the CPU; 0 for one a core, or a container's limit of them.
        device: As in ``EngineOptions``.
        gpu_memory: As in ``EngineOptions``.
        trust_program: As in ``EngineOptions``.

    Raises:
        BundleError: The bundle has no network for this engine, or one that it cannot read or
            must not run.
        EngineError: There is no such engine here, or it cannot use the device.
    """
    if name not in get_args(EngineName):
        known = ", ".join(get_args(EngineName))
        raise EngineError(f"unknown engine {name!r}; choose one of {known}")
    try:
        module = import_module(f"{__name__}.{name}")
    except ImportError as error:
        needed = f": pip install {error.name}" if error.name else ""
        raise EngineError(f"the engine {name} cannot be imported ({error}){needed}") from error
    options = EngineOptions(threads or cpu_limit(), device, gpu_memory, trust_program)
    engine: Engine = module.open_engine(bundle, options)
    return engine
