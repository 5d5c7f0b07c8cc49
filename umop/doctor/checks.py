"""Runs every check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from umop.doctor import machine, software, storage
from umop.doctor.diagnosis import Diagnosis
from umop.system.console import quietly

CHECKS: dict[str, Callable[[], Diagnosis | Iterable[Diagnosis]]] = {
    "machine": machine.computer,
    "versions": software.versions,
    "torch": software.torch_works,
    "mmcv": software.mmcv_works,
    "mmdet": software.mmdet_works,
    "apex": software.apex_works,
    "GPU": machine.gpus,
    "shared memory": storage.shared_memory,
    "runs": storage.runs,
    "data": storage.data,
    "cache": storage.cache,
    "weights": storage.weights,
}


def examine() -> Iterator[Diagnosis]:
    """Looks at the machine and its software; a check that breaks is a diagnosis too."""
    for name, check in CHECKS.items():
        try:
            with quietly():
                found = check()
                diagnoses = [found] if isinstance(found, Diagnosis) else list(found)
        except Exception as error:  # whatever a broken environment raises
            diagnoses = [Diagnosis(name, "fail", f"{type(error).__name__}: {_one_line(error)}")]
        yield from diagnoses


def _one_line(error: Exception) -> str:
    """The message of an exception, cut where it is long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
