"""The served network as a program of ``torch.export``, from which both model files are made."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from umop.export.deformable import replace_deformable
from umop.export.graph import ServedDetector
from umop.export.swin import gather_windows
from umop.export.tood import replace_tood

_DIVISOR = 32
_EXAMPLE = (2, 3, 320, 416)
_MOST_STRIDES = 256


def trace(detector: Any, dtype: torch.dtype = torch.float32) -> ExportedProgram:
    """Traces with dynamic batch, height and width (multiples of 32 up to 8192 px).

    Args:
        detector: mmdet's detector, in evaluation mode; it is not changed.
        dtype: Type of the network's weights and of its arithmetic up to the head's outputs.
    """
    detector = deepcopy(detector)
    replace_deformable(detector)
    gather_windows(detector)
    replace_tood(detector)
    _drop_ceil_mode(detector)
    served = ServedDetector(detector.to(dtype)).eval()
    shape = {
        0: Dim("batch", min=1, max=1024),
        2: _DIVISOR * Dim("rows", min=1, max=_MOST_STRIDES),
        3: _DIVISOR * Dim("columns", min=1, max=_MOST_STRIDES),
    }
    with warnings.catch_warnings(), torch.no_grad(), _without_autocast():
        warnings.simplefilter("ignore")
        return torch.export.export(served, (torch.zeros(_EXAMPLE),), dynamic_shapes=({**shape},))


@contextmanager
def _without_autocast() -> Iterator[None]:
    """Leaves out where RTMDet's layers turn mixed precision off, which is not on.

    A trace would have a graph of its own for each such part, which no engine needs.
    """
    before = torch.autocast
    torch.autocast = lambda *_, **__: nullcontext()  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        torch.autocast = before  # type: ignore[misc]


def _drop_ceil_mode(model: nn.Module) -> None:
    """Lets poolings round down, in place: sides that their strides divide leave nothing to round.

    Res2Net and ResNet-D pool with ``ceil_mode``, whose shapes trace badly.
    """
    for module in model.modules():
        if isinstance(module, nn.AvgPool2d) and module.kernel_size == module.stride:
            module.ceil_mode = False


def write_pt2(program: ExportedProgram, path: Path) -> None:
    """Writes a program as PyTorch's archive, which holds no pickle.

    Args:
        program: The program; its example inputs, which would be pickled, are left out.
        path: The file to write.
    """
    program.example_inputs = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program, path)
