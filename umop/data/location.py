"""Where a config's data lies."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from umop.errors import UserError


def set_data_root(config: Config, root: Path) -> None:
    """Makes training and evaluation read another folder of the same layout."""
    for split in ("train", "val", "test"):
        config[f"{split}_dataloader"].dataset.data_root = str(root)
    for split in ("val", "test"):
        evaluator = config[f"{split}_evaluator"]
        evaluator.ann_file = str(root / config[f"{split}_dataloader"].dataset.ann_file)


def require_data(config: Config, split: str) -> None:
    """Checks that the data of a split is there.

    Args:
        config: The config.
        split: ``train``, ``val`` or ``test``.

    Raises:
        UserError: The folder, its annotations or its pictures are missing.
    """
    dataset = config[f"{split}_dataloader"].dataset
    root = Path(dataset.data_root)
    for path in (root, root / dataset.ann_file, root / dataset.data_prefix.img):
        if not path.exists():
            hint = config.get("data_hint", "Give the folder that holds your data with --data.")
            raise UserError(f"The {split} data is not there: {path} does not exist. {hint}")
