"""Measures a trained model."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config, ConfigDict

from umop.config.load import load_written
from umop.data.preparation.custom import is_kept_split, read_data, use_data
from umop.data.preparation.location import require_data
from umop.engine.runner import Runner
from umop.evaluation import CocoResult, result_of
from umop.evaluation.keep import write_evaluation
from umop.runs.checkpoints import describe_checkpoint, require_whole, unreplaced
from umop.runs.evaluation import Evaluation
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.errors import UserError


def evaluate(
    run: RunFolder, data: Path | None = None, tta: bool = False, precision: float | None = None
) -> Evaluation:
    """Computes COCO's twelve numbers for a run's best checkpoint, or its newest.

    They are kept in ``evaluation.json`` in the run's folder, with test-time augmentation in
    ``evaluation-tta.json``; those on other data in a folder of their own,
    ``evaluations/<name of the data's folder>-<digest of its path>/``. Beside them are
    ``detections.json``, as COCO results, and ``analysis.json``.

    Args:
        run: The run.
        data: Root of the data set, in place of the one in the run's config.
        tta: Whether to merge what is found at several sizes, flipped and not.
        precision: Choose the lowest thresholds that reach it, from 0 to 1; None for the best F1.

    Returns:
        What was found.

    Raises:
        UserError: The run has no checkpoint, or training replaced it meanwhile; the data is
            missing; or no threshold reaches the precision.
    """
    checkpoint = require_whole(run.best_checkpoint())
    config = config_for(run, data)
    note(describe_checkpoint(checkpoint))
    if tta:
        _augment(config)
    with unreplaced(checkpoint):
        result = detect_test_data(run, config, checkpoint)
    return write_evaluation(run.kept_evaluation(data, tta), result, config, checkpoint, precision)


def detect_test_data(run: RunFolder, config: Config, checkpoint: Path) -> CocoResult:
    """Detects in a config's test data.

    Args:
        run: The run.
        config: Names the data; it is changed.
        checkpoint: What detects.

    Raises:
        UserError: The config does not evaluate boxes as COCO does.
    """
    config.work_dir = str(run.folder)
    config.load_from = str(checkpoint)
    runner = Runner.from_cfg(config)
    runner.test()
    result = result_of(runner.test_evaluator)
    if result is None:
        raise UserError("test_evaluator must be of type CocoBoxMetric, to give the twelve numbers.")
    return result


def config_for(run: RunFolder, data: Path | None) -> Config:
    """Reads a run's config, with the data that is to be evaluated.

    Raises:
        UserError: The data is missing, or has other classes.
    """
    config = load_written(run.config)
    if data is not None and not is_kept_split(run.annotations, data):
        classes = config.test_dataloader.dataset.metainfo.classes
        found = read_data(data, run.evaluation_of(data), ["val"], classes)
        found.write_annotations()
        for message in found.messages:
            note(message)
        use_data(config, found)
    require_data(config, "test")
    return config


def _augment(config: Config) -> None:
    """Turns test-time augmentation on.

    Raises:
        UserError: The config has none.
    """
    if config.get("tiles"):
        raise UserError("This run looks at images in windows, which --tta does not go with.")
    if "tta_model" not in config:
        raise UserError("This run's config has no test-time augmentation (tta_model).")
    config.test_dataloader.dataset.pipeline = config.tta_pipeline
    config.model = ConfigDict(**config.tta_model, module=config.model)
