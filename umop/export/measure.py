"""Measures a bundle."""

from __future__ import annotations

import json
from pathlib import Path

from mmengine.config import Config

from serving.shared import DetectOptions, Detector, EngineName
from umop.data.images import read_rgb
from umop.evaluation.evaluate import config_for
from umop.evaluation.metric import CocoBoxMetric
from umop.runs.folder import RunFolder
from umop.system.console import Count
from umop.system.dataset_paths import annotation_file, image_folder
from umop.system.errors import UserError


def evaluate_run_bundle(run: RunFolder, data: Path | None, engine: EngineName) -> dict[str, float]:
    """Computes COCO's twelve numbers for a run's bundle.

    Args:
        run: The run.
        data: Root of the data set, in place of the one in the run's config.
        engine: What runs the network.

    Returns:
        The values of :data:`umop.evaluation.METRICS`.

    Raises:
        BundleError: There is no bundle, or it cannot be used.
        EngineError: The engine cannot run here.
        UserError: There is no run, or the data is missing.
    """
    run.best_checkpoint()
    config = config_for(run, data)
    return evaluate_bundle(config, run.bundle, engine)


def evaluate_bundle(
    config: Config, bundle: Path, engine: EngineName = "onnxruntime"
) -> dict[str, float]:
    """Computes COCO's twelve numbers for a bundle on a config's test data.

    Args:
        config: Says where the data is.
        bundle: The bundle.
        engine: What runs the network.

    Returns:
        The values of :data:`umop.evaluation.METRICS`.

    Raises:
        BundleError: The bundle cannot be used.
        EngineError: The engine cannot run here.
        UserError: An image cannot be read, or the data does not have the bundle's classes.
    """
    detector = Detector.load(bundle, engine=engine, trust_program=True)  # the run's own
    dataset = config.test_dataloader.dataset
    annotations = annotation_file(dataset)
    listed = json.loads(annotations.read_text())
    unknown = set(detector.manifest.classes) - {each["name"] for each in listed["categories"]}
    if unknown:
        raise UserError(f"{annotations} has no class called '{min(unknown)}'.")
    results = []
    count = Count("evaluating: image", len(listed["images"]))
    for image in listed["images"]:
        pixels = read_rgb(image_folder(dataset) / image["file_name"])
        [found] = detector.detect([pixels], [DetectOptions(score_threshold=0.0)])
        results.append(
            {
                "image_id": image["id"],
                "boxes": found.boxes.tolist(),
                "scores": found.scores.tolist(),
                "labels": found.labels.tolist(),
            }
        )
        count.advance()
    metric = CocoBoxMetric(str(annotations))
    metric.dataset_meta = {"classes": detector.manifest.classes}
    return metric.compute_metrics(results)
