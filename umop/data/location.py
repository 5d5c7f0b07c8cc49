"""Where a config's data lies."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from umop.errors import UserError


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
