"""Frozen batch norms inside convolutions compute what they compute by themselves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from umop.models import TimmBackbone


@pytest.fixture
def backbone() -> TimmBackbone:
    torch.manual_seed(0)
    made = TimmBackbone("tf_efficientnet_lite0", frozen_stages=3).double()
    for norm in norms(made):
        norm.running_mean.normal_(std=0.3)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.data.uniform_(0.5, 1.5)
        norm.bias.data.normal_()
    return made


def norms(backbone: TimmBackbone) -> list[nn.BatchNorm2d]:
    return [each for each in backbone.modules() if isinstance(each, nn.BatchNorm2d)]


def features_and_gradients(backbone: TimmBackbone) -> tuple[tuple[Tensor, ...], list[Tensor]]:
    features = backbone(torch.randn(2, 3, 64, 64, generator=torch.manual_seed(1)).double())
    weights = [weight for weight in backbone.parameters() if weight.requires_grad]
    loss = torch.stack([each.square().sum() for each in features]).sum()
    return features, list(torch.autograd.grad(loss, weights))


def test_folded_norms_change_no_feature_and_no_gradient(backbone: TimmBackbone) -> None:
    folded = features_and_gradients(backbone.train())
    plain = features_and_gradients(backbone.eval())
    torch.testing.assert_close(folded, plain, rtol=1e-9, atol=1e-9)


def test_training_computes_no_norm(backbone: TimmBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    plain = nn.functional.batch_norm
    monkeypatch.setattr(
        nn.functional, "batch_norm", lambda *args, **kw: calls.append(True) or plain(*args, **kw)
    )
    for mode, expected in ((True, 0), (False, len(norms(backbone)))):
        calls.clear()
        backbone.train(mode)(torch.zeros(1, 3, 32, 32).double())
        assert len(calls) == expected
    assert not any(norm.weight.requires_grad or norm.bias.requires_grad for norm in norms(backbone))
