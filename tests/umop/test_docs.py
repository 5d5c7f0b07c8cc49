"""docs/training.md shows configs that can be trained."""

from __future__ import annotations

import re
from pathlib import Path

from umop.config.files import CONFIGS
from umop.config.load import load_config

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_worked_config_is_read_and_differs_where_it_says(tmp_path: Path) -> None:
    [shown] = re.findall(r"```python\n(\"\"\"ResNet.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "mine.py"
    file.write_text(shown)
    config, base = load_config(str(file)), load_config("r50")
    assert config.model == base.model
    assert config.train_cfg.max_epochs == 36
    assert config.train_dataloader.batch_size == 8
    assert config.train_dataloader.dataset.pipeline[2].scale == (640, 640)
    assert config.test_dataloader.dataset.pipeline[1].scale == (640, 640)
    assert config.train_dataloader.dataset.ann_file == base.train_dataloader.dataset.ann_file


def test_every_named_config_exists() -> None:
    for name in re.findall(r"CONFIG=(\w+)", PAGE.read_text("utf-8")):
        assert name == "mine" or (CONFIGS / f"{name}.py").is_file(), name
