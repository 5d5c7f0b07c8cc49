"""Whether the libraries fit together, and their compiled operators run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from umop.doctor.diagnosis import Diagnosis
from umop.system.versions import STACK, installed

_REINSTALL = "Rebuild the environment: make clean, then the same command again."
_BOXES = [[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 11.0, 11.0], [20.0, 20.0, 30.0, 30.0]]
_SCORES = [0.9, 0.8, 0.7]
_KEPT = [0, 2]
"""What non-maximum suppression at an IoU of 0.5 keeps of these boxes."""


def versions() -> Diagnosis:
    """Compares what is installed with what training is pinned to."""
    wrong = [text for requirement in _requirements() if (text := _mismatch(requirement))]
    shown = ", ".join(f"{name} {installed(name) or 'missing'}" for name in STACK)
    found = f"umop {installed('umop') or 'not installed'}, {shown}"
    if not wrong:
        return Diagnosis("versions", "ok", found)
    missing = any(text.endswith("missing") for text in wrong)
    advice = f"Not as pinned: {'; '.join(wrong)}. {_REINSTALL}"
    return Diagnosis("versions", "fail" if missing else "warn", found, advice)


def _requirements() -> list[Requirement]:
    """What training needs: the extra ``train``, and mmcv, which is built apart."""
    lines = Path(__file__).with_name("mmcv.txt").read_text().splitlines()
    pin = next(line for line in lines if line.startswith("onedl-mmcv=="))
    listed = [Requirement(text) for text in metadata.requires("umop") or ()]
    wanted = [one for one in listed if one.marker and one.marker.evaluate({"extra": "train"})]
    return [*wanted, Requirement(pin.rstrip(" \\"))]


def _mismatch(requirement: Requirement) -> str | None:
    """What is wrong with the installed version of a requirement; None where it fits."""
    there = installed(requirement.name) or installed(f"{requirement.name}-gpu")
    if there is None:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(there, prereleases=True):
        return f"{requirement.name} {there} instead of {requirement.specifier}"
    return None


def torch_works() -> Diagnosis:
    """Runs torchvision's compiled operator, which is missing where it is of another torch."""
    import torch

    try:
        from torchvision.ops import nms

        check_nms(nms, "cpu")
    except (ImportError, RuntimeError, ValueError, AttributeError) as error:
        return Diagnosis("torch", "fail", f"torchvision does not fit: {error}", _REINSTALL)
    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "for processors only"
    return Diagnosis("torch", "ok", f"{torch.__version__}, {cuda}; torchvision's operators run")


def mmcv_works() -> Diagnosis:
    """Runs one of mmcv's compiled operators, on the GPU too where there is one."""
    import torch

    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    try:
        from mmcv.ops import nms

        for device in devices:
            check_nms(lambda boxes, scores, iou: nms(boxes, scores, iou)[1], device)
    except (ImportError, RuntimeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        advice = (
            "mmcv has to be built for this torch (and with CUDA where there is a GPU): "
            "pip install --no-deps --force-reinstall "
            '"$(python requirements/mmcv_wheel.py)"'
        )
        return Diagnosis("mmcv", "fail", f"its operators do not run: {reason}", advice)
    return Diagnosis("mmcv", "ok", f"its operators run on {' and '.join(devices)}")


def check_nms(nms: Callable[..., Any], device: str) -> None:
    """Runs non-maximum suppression on three boxes.

    Raises:
        ValueError: It keeps others than it should.
    """
    import torch

    kept = nms(torch.tensor(_BOXES, device=device), torch.tensor(_SCORES, device=device), 0.5)
    if kept.tolist() != _KEPT:
        raise ValueError(f"nms on {device} keeps {kept.tolist()} instead of {_KEPT}")


def mmdet_works() -> Diagnosis:
    """Imports mmdet and mmengine: they check each other's versions."""
    for name in ("mmengine", "mmdet.models"):
        try:
            import_module(name)
        except Exception as error:  # mmdet asserts that mmcv is of a version it knows
            return Diagnosis("mmdet", "fail", f"{name} cannot be imported: {error}", _REINSTALL)
    return Diagnosis("mmdet", "ok", "can be imported")


def apex_works() -> Diagnosis:
    """Whether NVIDIA's apex is there, which nothing needs."""
    if installed("apex") is None:
        return Diagnosis("apex", "ok", "not installed; only FusedAdam and FusedLN need it")
    try:
        import_module("apex.optimizers")
        import_module("apex.normalization.fused_layer_norm")
    except (ImportError, RuntimeError) as error:
        advice = "Only FusedAdam and FusedLN need it. The registry's apex is not NVIDIA's."
        return Diagnosis("apex", "warn", f"not usable: {error}", advice)
    return Diagnosis("apex", "ok", f"{installed('apex')}: FusedAdam and FusedLN can be used")
