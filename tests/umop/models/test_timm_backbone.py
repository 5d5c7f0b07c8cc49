"""Frozen batch norms inside convolutions compute what they compute by themselves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from umop.models import TimmBackbone, timm_layers


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


def test_training_pads_kernels_and_not_features(
    backbone: TimmBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    padded: list[int] = []

    def note_side(values: Tensor, widths: tuple[int, ...]) -> Tensor:
        padded.append(values.shape[-1])
        return pad(values, widths)

    monkeypatch.setattr(timm_layers, "pad", note_side)
    backbone.train()(torch.zeros(1, 3, 64, 64).double())
    assert set(padded) == {3, 5}


@pytest.mark.parametrize("is_frozen", [True, False])
def test_slow_depthwise_gradients_are_computed_in_float32(is_frozen: bool) -> None:
    made = TimmBackbone("tf_efficientnet_lite0", frozen_stages=3, frozen_depthwise=is_frozen)
    kinds: dict[str, set[torch.dtype]] = {}
    for conv in made.depthwise():
        kind = "frozen" if not conv.weight.requires_grad else "trained"
        name = f"{kind} {conv.stride[0]}"
        conv.register_forward_hook(lambda _, __, out, name=name: note(kinds, name, out))
    with torch.autocast("cpu", torch.bfloat16):
        made.train()(torch.zeros(1, 3, 64, 64))
    mixed = {torch.bfloat16, torch.float32} if is_frozen else {torch.bfloat16}
    assert kinds["frozen 1"] == {torch.bfloat16}
    assert kinds["frozen 2"] == mixed  # those of the first stages need no gradient
    assert not is_frozen or "trained 1" not in kinds
    assert is_frozen or kinds["trained 1"] == kinds["trained 2"] == {torch.float32}


def note(kinds: dict[str, set[torch.dtype]], name: str, output: Tensor) -> None:
    kinds.setdefault(name, set()).add(output.dtype)


def test_depthwise_convolutions_can_be_frozen_alone() -> None:
    made = TimmBackbone("tf_efficientnet_lite0", frozen_depthwise=True)
    trained = [each for each in made.modules() if isinstance(each, nn.Conv2d)]
    assert {conv.groups > 1 for conv in trained if conv.weight.requires_grad} == {False}
    assert sum(not conv.weight.requires_grad for conv in trained) == len(made.depthwise()) == 16
