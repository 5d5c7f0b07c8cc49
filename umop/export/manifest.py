"""Describes a model in the bundle's manifest."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmengine.config import Config
from pydantic import ValidationError

from serving.shared import InputSpec, Manifest, PostprocessSpec, Size, sha256_of
from umop.data.pipeline.tiling import of_one_window, tiles_of
from umop.runs.evaluation import Evaluation, Thresholds
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.errors import UserError
from umop.system.versions import STACK

_LARGEST = Size(width=2560, height=2560)
"""The largest image that a model of fixed scale is given; larger ones are scaled down."""


def manifest_of(run: RunFolder, config: Config, checkpoint: Path, version: str) -> Manifest:
    """Writes the manifest of a run's checkpoint.

    Args:
        run: The run.
        config: Its config.
        checkpoint: The checkpoint.
        version: The version that the served model gets.

    Raises:
        UserError: The test pipeline, the run's name or the version cannot be in a manifest.
    """
    evaluation = evaluation_of(run, config, checkpoint)
    if evaluation is None:
        note(
            "The bundle will say no AP, and report detections from a score of "
            f"{PostprocessSpec().score_threshold}: evaluate this checkpoint first "
            f"(umop eval {run.name})."
        )
    try:
        return Manifest(
            name=run.name,
            version=version,
            created=datetime.now(timezone.utc),
            classes=tuple(config.test_dataloader.dataset.metainfo.classes),
            input=_input_spec(config),
            postprocess=_postprocess(config, evaluation.thresholds if evaluation else None),
            tiles=tiles_of(config),
            metrics=evaluation.metrics if evaluation else {},
            provenance={
                "checkpoint": checkpoint.name,
                "checkpoint_sha256": sha256_of(checkpoint),
                **_evaluation_digest(run),
                "runs": [_public(start) for start in run.starts()],
            },
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"The bundle cannot be described: its {name} is {first['input']!r}; {first['msg']}."
        ) from error


def evaluation_of(run: RunFolder, config: Config, checkpoint: Path) -> Evaluation | None:
    """What this checkpoint scored on the config's test data; None if it was not evaluated.

    Args:
        run: The run, whose ``evaluation.json`` is read.
        config: Names the test data's annotations, which must be those of the evaluation.
        checkpoint: The file, which must be the one that was evaluated.
    """
    evaluation = Evaluation.read(run.evaluation)
    return evaluation if evaluation and evaluation.holds_for(config, checkpoint) else None


def says_thresholds(manifest: Manifest, run: RunFolder) -> bool:
    """Whether a bundle has the thresholds of the run's last evaluation, if that chose any."""
    evaluation = Evaluation.read(run.evaluation)
    if evaluation is None or evaluation.thresholds is None:
        return True
    return _evaluation_digest(run).items() <= manifest.provenance.items()


def _evaluation_digest(run: RunFolder) -> dict[str, str]:
    """Which evaluation a bundle was written after; empty without one."""
    if not run.evaluation.is_file():
        return {}
    return {"evaluation_sha256": sha256_of(run.evaluation)}


def _postprocess(config: Config, thresholds: Thresholds | None) -> PostprocessSpec:
    """How candidates become detections, and from which scores they are reported."""
    limits = config.model.test_cfg
    spec = PostprocessSpec(
        candidate_threshold=limits.score_thr,
        candidates_per_level=limits.nms_pre,
        iou_threshold=limits.nms.iou_threshold,
        max_detections=limits.max_per_img,
    )
    if thresholds is None:
        return spec
    scores = {"score_threshold": thresholds.score, "class_thresholds": thresholds.classes}
    return spec.model_copy(update=scores)


def _input_spec(config: Config) -> InputSpec:
    """Reads resizing and normalisation from a config.

    Raises:
        UserError: The test pipeline does not have exactly one ``Resize`` that keeps the ratio.
    """
    pixels = config.model.data_preprocessor
    pipeline = of_one_window(config).test_dataloader.dataset.pipeline
    resizes = [step for step in pipeline if step["type"] == "Resize"]
    if len(resizes) != 1 or not resizes[0].get("keep_ratio", False):
        raise UserError(
            "This config cannot be exported: its test pipeline must have one Resize with "
            "keep_ratio=True."
        )
    scale = resizes[0].get("scale")
    to_rgb = slice(None, None, 1 if pixels.bgr_to_rgb else -1)
    return InputSpec(
        mean=tuple(pixels.mean[to_rgb]),
        std=tuple(pixels.std[to_rgb]),
        resize=Size(width=scale[0], height=scale[1]) if scale else _LARGEST,
        max_scale=resizes[0].get("scale_factor"),
        pad_divisor=pixels.pad_size_divisor,
    )


def _public(start: dict[str, Any]) -> dict[str, Any]:
    """What a service tells its callers of a start: not the machine's name and every package."""
    installed = start.get("versions", {})
    versions = {name: installed[name] for name in STACK if name in installed}
    return {**{key: value for key, value in start.items() if key != "host"}, "versions": versions}
