"""Exports a run's best checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmdet.apis import init_detector
from mmengine.config import Config
from torch.export import ExportedProgram

from serving.shared import (
    Bundle,
    BundleError,
    EngineName,
    Manifest,
    Precision,
    replace_folder,
    sha256_of,
)
from umop.config.load import load_written
from umop.data.pipeline.tiling import of_one_window
from umop.data.preparation.location import MOVED, require_data
from umop.evaluation.evaluate import evaluate
from umop.export.calibration import quantize
from umop.export.manifest import evaluation_of, manifest_of, says_thresholds
from umop.export.measure import evaluate_bundle
from umop.export.onnx import write_onnx
from umop.export.program import trace, write_pt2
from umop.export.samples import sample_name, write_samples
from umop.export.speed import measure_speed
from umop.export.verify import Deviation, verify
from umop.runs.checkpoints import describe_checkpoint, require_whole, unreplaced
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.dataset_paths import annotation_file, image_folder
from umop.system.errors import UserError

_ENGINES: tuple[EngineName, ...] = ("onnxruntime", "torch")
_VERIFIED_IMAGES = 8
_VERIFIED_TILED = 2
_CALIBRATION_IMAGES = 64
VERSION = "1.0"
_ABSENT = {"int8": {"model.pt2": "8-bit arithmetic is ONNX Runtime's"}}


@dataclass(frozen=True)
class Export:
    """What an export has shown.

    Attributes:
        differences: By engine, how far the bundle is from mmdet; empty for reduced precision.
        ap_loss: What reduced precision costs in COCO AP (0–1); None for full precision.
    """

    differences: dict[str, Deviation]
    ap_loss: float | None


def export(
    run: RunFolder,
    version: str = VERSION,
    precision: Precision = "fp32",
    samples: Sequence[Path] = (),
) -> Export:
    """Writes ``<run>.bundle`` and checks it.

    In full precision it must find what mmdet finds in images of the test data, with each engine.
    In reduced precision it is measured on all of the test data, as is the checkpoint.
    A bundle that fails the check is not kept, and one that was there before stays.

    Args:
        run: The run whose best checkpoint is exported, or its newest.
        version: The version that the served model gets.
        precision: The arithmetic of the network.
        samples: Images that the service's web page offers to try.

    Raises:
        UserError: There is no checkpoint, or training replaced it meanwhile; there is no test data,
            or none to calibrate int8 with; or the bundle finds something else.
    """
    checkpoint = require_whole(run.best_checkpoint())
    config = load_written(run.config)
    require_data(config, "test", MOVED)
    if precision == "int8":
        require_data(config, "train", MOVED)
    note(describe_checkpoint(checkpoint))
    if precision != "fp32" and evaluation_of(run, config, checkpoint) is None:
        evaluate(run)
    of_window = of_one_window(config)
    with unreplaced(checkpoint):
        detector = init_detector(of_window, str(checkpoint), device="cpu", palette="random")
        manifest = manifest_of(run, config, checkpoint, version)
    manifest = manifest.model_copy(
        update={"precision": precision, "absent": _ABSENT.get(precision, {})}
    )
    with TemporaryDirectory(dir=run.folder, prefix=".") as scratch:
        draft = Path(scratch) / run.bundle.name
        draft.mkdir()
        write_samples(samples, draft)
        program = _write_network(detector, draft, manifest, config)
        Bundle.write(draft, manifest)
        most = _VERIFIED_TILED if manifest.tiles else _VERIFIED_IMAGES
        images = _images_of(config, "test")[:most]
        note("export: comparing it with the checkpoint")
        if precision == "fp32":
            done = Export({each: verify(detector, draft, images, each) for each in _ENGINES}, None)
        else:
            done = Export({}, _measure(config, draft, manifest))
        note("export: timing it")
        measure_speed(draft, program, images).write(run.speed)
        replace_folder(run.bundle, draft, Path(scratch) / "before")
    return done


def export_if_changed(
    run: RunFolder,
    version: str | None = None,
    precision: Precision = "fp32",
    samples: Sequence[Path] = (),
    force: bool = False,
) -> Export | None:
    """Writes ``<run>.bundle``, unless it is there already.

    Args:
        run: The run.
        version: The version that the served model gets; 1.0 if None.
        precision: The arithmetic of the network.
        samples: Images that the service's web page offers to try.
        force: Write it again.

    Returns:
        What the export has shown; None where it was there.

    Raises:
        UserError: As for :func:`export`.
    """
    if not force and is_exported(run, version, precision, samples):
        return None
    return export(run, version or VERSION, precision, samples)


def _write_network(
    detector: Any, draft: Path, manifest: Manifest, config: Config
) -> ExportedProgram:
    """Writes ``model.onnx`` and, where PyTorch has the precision, ``model.pt2``.

    Returns:
        The program that both are made of.
    """
    half = manifest.precision == "fp16"
    note("export: tracing the network")
    program = trace(detector, torch.float16 if half else torch.float32)
    note("export: translating it to ONNX")
    write_onnx(program, draft / "model.onnx")
    if manifest.precision == "int8":
        note("export: calibrating and quantizing it")
        images = _images_of(config, "train")[:_CALIBRATION_IMAGES]
        quantize(draft / "model.onnx", images, manifest.input, manifest.tiles)
    else:
        write_pt2(program, draft / "model.pt2")
    return program


def _measure(config: Config, draft: Path, manifest: Manifest) -> float:
    """Measures a bundle; writes its metrics in place of the checkpoint's, and what AP it lost."""
    metrics = evaluate_bundle(config, draft)
    loss = manifest.metrics["AP"] - metrics["AP"]
    Bundle.write(draft, manifest.model_copy(update={"metrics": metrics, "ap_loss": loss}))
    return loss


def is_exported(
    run: RunFolder,
    version: str | None = None,
    precision: Precision = "fp32",
    samples: Sequence[Path] = (),
) -> bool:
    """Whether the run's bundle is that of the checkpoint that is exported, in that precision.

    A bundle that lacks one of the samples is another, and so is one that was written before the
    last evaluation chose thresholds, and one of another version, where a version is given.

    Args:
        run: The run.
        version: The version that the bundle must have; None for any.
        precision: The arithmetic that it must have.
        samples: Images that it must hold, by the names that they get in a bundle.
    """
    checkpoint = run.best_checkpoint()
    try:
        manifest = Bundle.open(run.bundle).manifest
    except BundleError:
        return False
    return (
        manifest.provenance.get("checkpoint_sha256") == sha256_of(checkpoint)
        and version in (None, manifest.version)
        and manifest.precision == precision
        and manifest.files.keys() >= {sample_name(path) for path in samples}
        and says_thresholds(manifest, run)
    )


def _images_of(config: Config, split: str) -> list[Path]:
    """The images that a split's annotations list, by name.

    Raises:
        UserError: They list none.
    """
    dataset = config[f"{split}_dataloader"].dataset
    annotations = annotation_file(dataset)
    listed = json.loads(annotations.read_text())["images"]
    if not listed:
        raise UserError(f"{annotations} lists no images to check the bundle with.")
    return sorted(image_folder(dataset) / image["file_name"] for image in listed)
