"""Finds the labels that a run contradicts, in what it was trained and evaluated on."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from umop.config.load import load_written
from umop.data.preparation.location import MOVED, require_data
from umop.evaluation.evaluate import detect_test_data
from umop.evaluation.suspects import Suspect, find_suspects
from umop.runs.checkpoints import describe_checkpoint, require_whole
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.dataset_paths import annotation_file, image_folder

_SPLITS = ("train", "val")


def suspects_of(run: RunFolder) -> tuple[list[Suspect], dict[str, Path]]:
    """Detects in the images for training and for validation, and compares with their labels.

    Returns:
        The suspects, the worst first, and the folder of each split's images.

    Raises:
        UserError: The run has no checkpoint, or its data is missing.
    """
    checkpoint = require_whole(run.best_checkpoint())
    configs = {split: _testing_on(split, load_written(run.config)) for split in _SPLITS}
    note(describe_checkpoint(checkpoint))
    suspects = []
    for split, config in configs.items():
        result = detect_test_data(run, config, checkpoint)
        suspects += find_suspects(result.truth.dataset, result.detections, split)
    folders = {
        split: image_folder(config.test_dataloader.dataset) for split, config in configs.items()
    }
    return sorted(suspects, key=lambda each: -each.score), folders


def _testing_on(split: str, config: Config) -> Config:
    """A config that tests on a split of its data.

    Raises:
        UserError: That is missing.
    """
    require_data(config, split, MOVED)
    source, tested = config[f"{split}_dataloader"].dataset, config.test_dataloader.dataset
    for name in ("data_root", "ann_file", "data_prefix"):
        tested[name] = source[name]
    config.test_evaluator.ann_file = str(annotation_file(source))
    return config
