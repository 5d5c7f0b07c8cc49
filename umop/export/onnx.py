"""Writes the served network as ONNX."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from torch.export import Dim

from umop.export.graph import ServedDetector

DIVISOR = 32
EXAMPLE = (2, 3, 320, 416)
MOST_STRIDES = 256


def write_onnx(detector: ServedDetector, path: Path) -> None:
    """Exports with dynamic batch, height and width (multiples of 32 up to 8192 px).

    Args:
        detector: The network, in evaluation mode.
        path: The file to write.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    shape = {
        0: Dim("batch", min=1, max=1024),
        2: DIVISOR * Dim("rows", min=1, max=MOST_STRIDES),
        3: DIVISOR * Dim("columns", min=1, max=MOST_STRIDES),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            detector, (torch.zeros(EXAMPLE),), dynamic_shapes=({**shape},)
        )
        exported = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=["image"],
            output_names=["boxes", "scores", "labels"],
        )
    assert exported is not None
    exported.save(str(path))
