"""Describes a model in the bundle's manifest."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmengine.config import Config

from serving.manifest import InputSpec, Manifest, PostprocessSpec, Size
from umop.errors import UserError
from umop.run import Run

LARGEST = Size(width=2560, height=2560)
"""The largest picture that a model of fixed scale is given; larger ones are scaled down."""


def describe(run: Run, config: Config, checkpoint: Path, version: str) -> Manifest:
    """Writes the manifest of a run's checkpoint.

    Args:
        run: The run.
        config: Its config.
        checkpoint: The checkpoint.
        version: The version that the served model gets.

    Raises:
        UserError: The test pipeline cannot be described in a manifest.
    """
    limits = config.model.test_cfg
    return Manifest(
        name=run.name,
        version=version,
        created=datetime.now(timezone.utc),
        classes=tuple(config.test_dataloader.dataset.metainfo.classes),
        input=input_spec(config),
        postprocess=PostprocessSpec(
            candidate_threshold=limits.score_thr,
            candidates_per_level=limits.nms_pre,
            iou_threshold=limits.nms.iou_threshold,
            max_detections=limits.max_per_img,
        ),
        metrics=read_json(run.evaluation) or {},
        provenance={
            "checkpoint": checkpoint.name,
            "checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
            "runs": read_json(run.provenance) or [],
        },
    )


def input_spec(config: Config) -> InputSpec:
    """Reads resizing and normalisation from a config.

    Raises:
        UserError: The test pipeline does not have exactly one ``Resize`` that keeps the ratio.
    """
    pixels = config.model.data_preprocessor
    pipeline = config.test_dataloader.dataset.pipeline
    resizes = [step for step in pipeline if step["type"] == "Resize"]
    if len(resizes) != 1 or not resizes[0].get("keep_ratio", False):
        raise UserError(
            "This config cannot be exported: its test pipeline must have one Resize with "
            "keep_ratio=True."
        )
    scale = resizes[0].get("scale")
    return InputSpec(
        mean=tuple(pixels.mean),
        std=tuple(pixels.std),
        resize=Size(width=scale[0], height=scale[1]) if scale else LARGEST,
        max_scale=resizes[0].get("scale_factor"),
        pad_divisor=pixels.pad_size_divisor,
    )


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if there is no such file."""
    return json.loads(path.read_text()) if path.is_file() else None
