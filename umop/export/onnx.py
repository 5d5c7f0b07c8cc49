"""Writes the served network as ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch.export import ExportedProgram

from umop.system.console import quiet_logger


def write_onnx(program: ExportedProgram, path: Path) -> None:
    """Translates a program to ONNX.

    Args:
        program: The served network.
        path: The file to write.
    """
    with quiet_logger("torch.onnx"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=["image"],
            output_names=["boxes", "scores", "labels"],
        )
    assert exported is not None
    exported.save(str(path))
