"""Processor, memory and GPUs."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from serving.shared import usable_cores
from umop.doctor.diagnosis import Diagnosis
from umop.system import hardware
from umop.system.hardware import GIB


def computer() -> Diagnosis:
    """What a report of a bug begins with."""
    found = (
        f"{platform.platform()}, Python {platform.python_version()}, {usable_cores()} processors, "
        f"{hardware.memory() / GIB:.0f} GiB of memory"
    )
    return Diagnosis("machine", "ok", found)


def gpus() -> Iterator[Diagnosis]:
    """Whether torch reaches the GPUs, and what memory each has."""
    import torch

    driver, newest = hardware.driver(), hardware.driver_cuda()
    if driver is None and newest is None:
        advice = "The published models need one; demo and small data train on the processor."
        yield Diagnosis("GPU", "warn", "none", advice)
        return
    wanted = torch.version.cuda
    with_driver = f"driver {driver or 'unknown'}, for CUDA up to {_dotted(newest)}"
    if not torch.cuda.is_available():
        yield Diagnosis("GPU", "fail", f"torch finds none: {with_driver}", why_not(wanted, newest))
        return
    for index in range(torch.cuda.device_count()):
        yield _gpu(index, with_driver)


def why_not(wanted: str | None, newest: tuple[int, int] | None) -> str:
    """Why torch finds no GPU where there is a driver."""
    if wanted is None:
        return "This torch is built for processors only: install the one that is pinned."
    if newest is not None and newest[0] < int(wanted.split(".")[0]):
        return f"torch is built for CUDA {wanted}: update the driver."
    return "Is one visible? nvidia-smi lists them; CUDA_VISIBLE_DEVICES hides them."


def _gpu(index: int, driver: str) -> Diagnosis:
    """Computes on one GPU and reads its memory."""
    import torch

    name = f"GPU {index}" if torch.cuda.device_count() > 1 else "GPU"
    properties = torch.cuda.get_device_properties(index)
    try:
        torch.ones(1, device=f"cuda:{index}").add(1).item()
        free, total = torch.cuda.mem_get_info(index)
    except RuntimeError as error:  # built for other GPUs, broken, or full
        reason = str(error).splitlines()[0]
        advice = "nvidia-smi shows its state; torch.cuda.get_arch_list() what torch is built for."
        return Diagnosis(name, "fail", f"{properties.name}: {reason}", advice)
    found = f"{properties.name}, {free / GIB:.1f} of {total / GIB:.1f} GiB free, {driver}"
    if free < total / 2:
        return Diagnosis(name, "warn", found, "Another process uses it: nvidia-smi shows which.")
    return Diagnosis(name, "ok", found)


def _dotted(version: tuple[int, int] | None) -> str:
    return "unknown" if version is None else f"{version[0]}.{version[1]}"
