"""The steps that prepare a config."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from umop.config.load import load_config
from umop.runs.folder import RunFolder
from umop.training.options import TrainOptions
from umop.training.preparation_steps import Draft, count_data, keep_published, set_schedule


def test_a_step_that_comes_too_early_fails(discs: Path) -> None:
    draft = Draft(Config(), RunFolder(Path("runs/x")), TrainOptions(data=(discs,)), processes=1)
    for step in (count_data, set_schedule):
        with pytest.raises(AttributeError):
            step(draft)


@pytest.mark.parametrize("name", ["rtmdet_s", "small"])
def test_a_published_schedule_is_kept_for_the_data_that_it_is_for(name: str) -> None:
    draft = Draft(load_config(name), RunFolder(Path("runs/x")), TrainOptions(config=name), 1)
    draft.own = None
    keep_published(draft)
    assert (draft.config.auto_schedule is None) == (name == "rtmdet_s")
    assert (draft.config.auto_size is None) == (name == "rtmdet_s")
