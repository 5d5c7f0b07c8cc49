"""Which arithmetic a model is trained in."""

from __future__ import annotations

import pytest
import torch

from umop.config.load import load_config
from umop.system.errors import UserError
from umop.training.precision import Precision, choose_precision


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
    name: str, wanted: Precision, with_bf16: str | None, without: str | None, has_bf16: bool
) -> None:
    config = load_config(name)
    choose_precision(config, wanted, on_gpu=True)
    dtype = with_bf16 if has_bf16 else without
    assert config.optim_wrapper.get("dtype") == dtype
    assert config.optim_wrapper.type == ("AmpOptimWrapper" if dtype else "OptimWrapper")
    scales = {None: None, "float16": "dynamic", "bfloat16": {"enabled": False}}
    assert config.optim_wrapper.get("loss_scale") == scales[dtype]


def test_the_processor_has_full_precision(capsys: pytest.CaptureFixture[str]) -> None:
    config = load_config("swin_l")
    choose_precision(config, "auto", on_gpu=False)
    assert config.optim_wrapper.type == "OptimWrapper"
    assert "Mixed precision is off" in capsys.readouterr().err
    with pytest.raises(UserError, match="--amp bf16 needs a GPU"):
        choose_precision(config, "bf16", on_gpu=False)


def test_what_the_gpu_lacks_is_refused(has_bf16: bool) -> None:
    config = load_config("r50")
    if has_bf16:
        choose_precision(config, "bf16", on_gpu=True)
        return
    with pytest.raises(UserError, match="has no bfloat16"):
        choose_precision(config, "bf16", on_gpu=True)
