"""Finding, reading and changing configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from umop.config import config_names, load_config, override
from umop.errors import UserError


def test_demo_is_listed_and_reads() -> None:
    assert "demo" in config_names()
    config = load_config("demo")
    assert config.model.bbox_head.loss_cls.type == "ProgressiveFocalLoss"
    assert config.model.bbox_head.loss_cls.use_sigmoid is True


def test_plugins_are_named_with_their_folder() -> None:
    assert "plugin/gfl_umop" in config_names()
    assert load_config("plugin/gfl_umop").model.type == "GFL"


def test_unknown_name_is_answered_with_a_suggestion() -> None:
    with pytest.raises(UserError, match=r"no config 'demp'. Did you mean 'demo'\?"):
        load_config("demp")


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("answer = 42\n")
    assert load_config(str(mine)).answer == 42
    mine.write_text("answer = = 42\n")
    with pytest.raises(UserError, match="cannot be read as a config"):
        load_config(str(mine))


def test_override_reads_literals_and_text() -> None:
    config = load_config("demo")
    override(config, ["optim_wrapper.optimizer.lr=0.5", "model.backbone.name=resnet18"])
    assert config.optim_wrapper.optimizer.lr == 0.5
    assert config.model.backbone.name == "resnet18"


def test_override_of_a_value_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"nothing called 'custom_hooks\.9\.interval'"):
        override(load_config("demo"), ["custom_hooks.9.interval=2"])


@pytest.mark.parametrize("assignment", ["lr", "model.backbone.frozen_stages"])
def test_override_without_a_value_is_refused(assignment: str) -> None:
    with pytest.raises(UserError, match="name=value"):
        override(load_config("demo"), [assignment])
