"""Where a config's data lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.system.dataset_paths import annotation_file, image_folder
from umop.system.errors import UserError

_IN_COCO = ("CocoDataset", "MixedCocoDataset", "TiledDataset")
"""The types of data sets whose annotations are in COCO's format."""
_NAMED = ("data_root", "ann_file", "data_prefix.img", "metainfo.classes")


MOVED = "A run's data must lie where it was trained, as seen from the folder of the command."
"""What to do about the data of a run that is missing."""


def require_data(config: Config, split: str, hint: str | None = None) -> None:
    """Checks that the data of a split is there.

    Args:
        config: The config.
        split: ``train``, ``val`` or ``test``.
        hint: What to do where it is missing; the config's own advice to training if None.

    Raises:
        UserError: The folder, its annotations or its images are missing, or the config names
            none in COCO's format.
    """
    dataset = config[f"{split}_dataloader"].dataset
    _require_coco(dataset, f"{split}_dataloader.dataset")
    for path in (Path(dataset.data_root), annotation_file(dataset), image_folder(dataset)):
        if not path.exists():
            hint = hint or config.get(
                "data_hint", "Give the folder that holds your data with --data."
            )
            raise UserError(f"The {split} data is not there: {path} does not exist. {hint}")


def _require_coco(dataset: Any, name: str) -> None:
    """Checks that a data set is described as everything here reads it.

    Raises:
        UserError: It is of another type, or does not say where it lies or what its classes are.
    """
    if dataset.get("type") not in _IN_COCO:
        raise UserError(
            f"{name}.type must be CocoDataset, not {dataset.get('type')}: its annotations are read "
            "before training. umop data convert writes other layouts as COCO."
        )
    for field in _NAMED:
        value: Any = dataset
        for key in field.split("."):
            value = (value or {}).get(key)
        if value is None:
            raise UserError(f"The config must say {name}.{field}.")
