"""NVIDIA apex's fused parts: an error without it, the same values with it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from mmcv.cnn import build_norm_layer
from mmengine.optim import build_optim_wrapper
from torch import nn

from umop.system.errors import UserError

APEX = find_spec("apex") is not None and torch.cuda.is_available()
needs_apex = pytest.mark.skipif(not APEX, reason="needs a GPU and NVIDIA apex")


def wrapper(model: nn.Module, optimizer: str) -> object:
    options = {"type": optimizer, "lr": 1e-2, "betas": (0.9, 0.999), "weight_decay": 0.05}
    return build_optim_wrapper(model, {"type": "OptimWrapper", "optimizer": options})


@pytest.mark.skipif(APEX, reason="apex is here")
def test_asked_for_and_absent_is_an_error() -> None:
    with pytest.raises(UserError, match="asks for NVIDIA apex"):
        wrapper(nn.Linear(2, 2), "FusedAdam")
    with pytest.raises(UserError, match="asks for NVIDIA apex"):
        build_norm_layer({"type": "FusedLN"}, 8)


@needs_apex
def test_fused_layer_norm_is_layer_norm() -> None:
    torch.manual_seed(0)
    name, fused = build_norm_layer({"type": "FusedLN"}, 64)
    _, plain = build_norm_layer({"type": "LN"}, 64)
    assert name == "ln"
    nn.init.normal_(plain.weight)
    fused.load_state_dict(plain.state_dict())
    x = torch.randn(32, 64, device="cuda")
    torch.testing.assert_close(fused.cuda()(x), plain.cuda()(x), rtol=1e-5, atol=1e-5)


@needs_apex
def test_fused_adam_takes_adamws_steps() -> None:
    losses = {name: trained_with(name) for name in ("AdamW", "FusedAdam")}
    torch.testing.assert_close(losses["FusedAdam"], losses["AdamW"], rtol=1e-4, atol=1e-5)


def trained_with(optimizer: str) -> torch.Tensor:
    """The losses of ten steps of a small network."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 1)).cuda()
    steps = wrapper(model, optimizer)
    x, y = torch.randn(64, 16, device="cuda"), torch.randn(64, 1, device="cuda")
    losses = []
    for _ in range(10):
        loss = (model(x) - y).square().mean()
        steps.update_params(loss)  # type: ignore[attr-defined]
        losses.append(loss.detach())
    return torch.stack(losses)
