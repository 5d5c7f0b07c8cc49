"""Which arithmetic a model is trained in."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from umop.config.load import load_config
from umop.models import Bf16OptimWrapper
from umop.system.errors import UserError
from umop.training import precision
from umop.training.precision import MixedPrecision, choose_precision, precision_of


@pytest.fixture(autouse=True, params=[True, False], ids=["bf16", "no bf16"])
def has_bf16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A GPU with bfloat16, or one without."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: request.param)
    return bool(request.param)


@pytest.mark.parametrize(
    ("name", "wanted", "with_bf16", "without"),
    [
        ("swin_l", "auto", "bfloat16", "float16"),
        ("r50", "auto", None, None),
        ("r50", "fp16", "float16", "float16"),
        ("swin_l", "off", None, None),
    ],
)
def test_auto_takes_the_configs_choice_and_the_gpus_best(
    name: str, wanted: MixedPrecision, with_bf16: str | None, without: str | None, has_bf16: bool
) -> None:
    config = load_config(name)
    choose_precision(config, wanted, on_gpu=True)
    dtype = with_bf16 if has_bf16 else without
    assert config.optim_wrapper.get("dtype") == dtype
    assert config.optim_wrapper.type == ("AmpOptimWrapper" if dtype else "OptimWrapper")
    scales = {None: None, "float16": "dynamic", "bfloat16": {"enabled": False}}
    assert config.optim_wrapper.get("loss_scale") == scales[dtype]


@pytest.mark.parametrize(
    ("name", "wanted", "with_units", "without"),
    [
        ("small", "auto", "Bf16OptimWrapper", "OptimWrapper"),
        ("small", "off", "OptimWrapper", "OptimWrapper"),
        ("demo", "auto", "OptimWrapper", "OptimWrapper"),
        ("demo", "bf16", "Bf16OptimWrapper", "Bf16OptimWrapper"),
        ("medium", "auto", "OptimWrapper", "OptimWrapper"),
    ],
)
def test_the_processor_mixes_by_itself_where_it_multiplies_bfloat16(
    name: str,
    wanted: MixedPrecision,
    with_units: str,
    without: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for has_it, expected in ((True, with_units), (False, without)):
        monkeypatch.setattr(precision, "multiplies_bfloat16", lambda has=has_it: has)
        config = load_config(name)
        choose_precision(config, wanted, on_gpu=False)
        assert config.optim_wrapper.type == expected
        assert "dtype" not in config.optim_wrapper
        is_said = precision.describe_precision(config) is not None
        assert is_said == (expected == "Bf16OptimWrapper")


@pytest.mark.parametrize("has_it", [True, False])
@pytest.mark.parametrize("began", ["bf16", "off"])
def test_a_run_goes_on_in_what_it_began_on_another_processor(
    began: MixedPrecision, has_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: has_it)
    config = load_config("small")
    choose_precision(config, "auto", on_gpu=False, began=began)
    assert precision_of(config) == began


@pytest.mark.parametrize("began", ["fp16", "off"])
def test_a_run_goes_on_in_what_it_began_on_another_gpu(began: MixedPrecision) -> None:
    config = load_config("swin_l")
    choose_precision(config, "auto", on_gpu=True, began=began)
    assert precision_of(config) == began


def test_a_config_that_does_not_mix_is_not_made_to_by_what_the_run_began_in() -> None:
    config = load_config("r50")
    choose_precision(config, "auto", on_gpu=True, began="fp16")
    assert precision_of(config) == "off"


def test_a_config_for_gpus_says_that_it_does_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    choose_precision(load_config("swin_l"), "auto", on_gpu=False)
    assert "Mixed precision is off" in capsys.readouterr().err


def test_the_processor_has_no_float16() -> None:
    with pytest.raises(UserError, match="--amp fp16 needs a GPU"):
        choose_precision(load_config("small"), "fp16", on_gpu=False)


def test_mixed_steps_compute_in_bfloat16_and_keep_weights_in_float32() -> None:
    layer = nn.Conv2d(3, 4, 3)
    before = layer.weight.detach().clone()
    wrapper = Bf16OptimWrapper(torch.optim.SGD(layer.parameters(), lr=0.1))
    with wrapper.optim_context(layer):
        output = layer(torch.ones(1, 3, 8, 8))
    wrapper.update_params(output.float().sum())
    assert output.dtype == torch.bfloat16
    assert layer.weight.dtype == torch.float32
    assert not torch.equal(layer.weight, before)


def test_what_the_gpu_lacks_is_refused(has_bf16: bool) -> None:
    config = load_config("r50")
    if has_bf16:
        choose_precision(config, "bf16", on_gpu=True)
        return
    with pytest.raises(UserError, match="has no bfloat16"):
        choose_precision(config, "bf16", on_gpu=True)
