"""Reading the config that a run has kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

from umop.config.load import load_config, load_written, read_written


@pytest.mark.parametrize("read", [load_written, read_written])
def test_a_run_reads_the_labels_in_its_own_folder_whatever_its_name(
    tmp_path: Path, read: Callable[[Path], Config]
) -> None:
    config = load_config("small")
    for split in ("train", "val", "test"):
        dataset = config[f"{split}_dataloader"].dataset
        dataset.data_root, dataset.ann_file = "", "runs/small/annotations/val.json"
        dataset.data_prefix.img = "photos"
    config.test_evaluator.ann_file = "runs/small/annotations/val.json"
    written = tmp_path / "renamed" / "config.py"
    written.parent.mkdir()
    config.dump(written)
    found = read(written)
    own = str(tmp_path / "renamed" / "annotations" / "val.json")
    assert found.train_dataloader.dataset.ann_file == own
    assert found.test_evaluator.ann_file == own
    assert found.test_dataloader.dataset.data_prefix.img == "photos"
