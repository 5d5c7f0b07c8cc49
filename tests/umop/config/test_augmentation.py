"""Augmentation can be switched off, and is refused where it cannot be."""

from __future__ import annotations

import pytest

from umop.config.load import load_config
from umop.system.errors import UserError


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("stretch=0", "pipeline.3.stretch is 0.0; it must be a number from 1 to 10."),
        ("mixed=-1", "pipeline.2.prob is -1.0; it must be a number from 0 to 1."),
        ("flipped=2", "prob is 2.0; it must be a number from 0 to 1."),
        ("scales=(0, 0)", "ratio_range is (0, 0); it must be two numbers above 0, the smaller one"),
        ("parts=(2.0, 1.0)", "pipeline.2.ratio_range is (2.0, 1.0); it must be two numbers"),
        ("parts=1", "ratio_range is 1; it must be two numbers above 0"),
    ],
)
def test_augmentation_that_cannot_be(assignment: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        load_config("small", [assignment])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "name", ["small", "medium", "r50", "rtmdet_tiny", "atss_r101_dcn_ms", "tood_r50"]
)
def test_flips_can_be_switched_off(name: str) -> None:
    config = load_config(name, ["flipped=0"])
    dataset = config.train_dataloader.dataset
    steps = [*dataset.pipeline, *dataset.get("last_pipeline", [])]
    flips = [step.prob for step in steps if step.type == "RandomFlip"]
    assert flips
    assert all(type(prob) is float and prob == 0 for prob in flips)


@pytest.mark.parametrize(("settings", "flips"), [([], [0.0, 1.0]), (["flipped=0"], [0.0])])
def test_neither_does_evaluation_flip_then(settings: list[str], flips: list[float]) -> None:
    steps = load_config("r50", settings).tta_pipeline[1].transforms[1]
    assert [step.prob for step in steps] == flips
