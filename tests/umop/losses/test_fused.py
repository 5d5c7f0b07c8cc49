"""The gradient that is computed with the loss: its values, what it keeps, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.umop.losses import plain
from umop.losses import (
    ProgressiveFocalLoss,
    ProgressiveLoss,
    ProgressiveQualityFocalLoss,
    ProgressiveVarifocalLoss,
    fused,
)

CLASSES = 7
ANCHORS = 500


def labels() -> Tensor:
    """Half of the anchors are background."""
    chance = torch.Generator().manual_seed(1)
    return torch.randint(2 * CLASSES, (ANCHORS,), generator=chance).clamp(max=CLASSES)


def quality() -> Tensor:
    chance = torch.Generator().manual_seed(2)
    return torch.rand(ANCHORS, generator=chance, dtype=torch.float64)


def target_of(kind: str) -> Any:
    match kind:
        case "focal":
            return labels()
        case "quality_focal":
            return labels(), quality()
        case _:
            return plain.one_hot(labels(), logits()) * quality().unsqueeze(1)


LOSSES: dict[str, tuple[type[ProgressiveLoss[Any]], Callable[..., Tensor]]] = {
    "focal": (ProgressiveFocalLoss, plain.focal),
    "quality_focal": (ProgressiveQualityFocalLoss, plain.quality_focal),
    "varifocal": (ProgressiveVarifocalLoss, plain.varifocal),
}
WEIGHTS = {
    "none": lambda: None,
    "anchor": lambda: 2 * quality(),
    "logit": lambda: quality().unsqueeze(1) * torch.arange(CLASSES),
    "flat": lambda: (quality().unsqueeze(1) * torch.arange(CLASSES)).flatten(),
}


def logits() -> Tensor:
    chance = torch.Generator().manual_seed(0)
    return 3 * torch.randn(ANCHORS, CLASSES, generator=chance, dtype=torch.float64) - 2


def by_autograd(
    kind: str, gamma: float, weight: Tensor | None, avg_factor: float
) -> tuple[Tensor, Tensor]:
    """The loss and its gradient in double precision."""
    at = logits().requires_grad_()
    each = LOSSES[kind][1](at, target_of(kind), gamma)
    if weight is not None:
        each = each * weight.reshape(ANCHORS, -1)
    loss = each.sum() / avg_factor
    loss.backward()
    assert at.grad is not None
    return loss.detach(), at.grad


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("weighing", WEIGHTS)
@pytest.mark.parametrize("condition", ["mean_nll", "nll_of_mean"])
@pytest.mark.parametrize("block", [1, 100, fused.CPU_BLOCK])
def test_gradients_are_those_of_autograd_in_double_precision(
    kind: str, weighing: str, condition: Any, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "CPU_BLOCK", block)
    loss = LOSSES[kind][0](use_sigmoid=True, condition=condition, margin=0.9)
    loss.trace = []
    weight = WEIGHTS[weighing]()
    at = logits().float().requires_grad_()
    value = loss(at, target_of(kind), weight, avg_factor=11.0)
    value.backward()
    [gamma] = (level.gamma for level in loss.trace)
    expected, gradient = by_autograd(kind, gamma.item(), weight, 11.0)
    assert gamma.item() not in (1.1, 2.9)
    assert at.grad is not None
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(at.grad.double(), gradient, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", LOSSES)
def test_each_logits_loss_has_its_gradient(kind: str) -> None:
    loss = LOSSES[kind][0](use_sigmoid=True, reduction="none", margin=0)
    at = logits().requires_grad_()
    each = loss(at, target_of(kind), quality())
    (each * torch.arange(CLASSES)).sum().backward()
    weight = quality().unsqueeze(1) * torch.arange(CLASSES)
    _, gradient = by_autograd(kind, 2.0, weight, 1.0)
    torch.testing.assert_close(at.grad, gradient)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("kind", LOSSES)
def test_the_value_alone(kind: str, mode: Any) -> None:
    loss = LOSSES[kind][0](use_sigmoid=True)
    value = loss(logits().requires_grad_(), target_of(kind), avg_factor=2.0)
    with mode():
        alone = loss(logits().requires_grad_(), target_of(kind), avg_factor=2.0)
    assert not alone.requires_grad
    assert alone.item() == value.item()


@pytest.mark.parametrize("kind", LOSSES)
def test_one_tensor_is_kept(kind: str) -> None:
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        LOSSES[kind][0](use_sigmoid=True)(logits().requires_grad_(), target_of(kind))
    assert [tensor.shape for tensor in kept if tensor.numel() >= ANCHORS * CLASSES] == [
        (ANCHORS, CLASSES)
    ]


def test_the_logits_stay_as_they_are() -> None:
    at = logits()
    ProgressiveFocalLoss(use_sigmoid=True)(at.requires_grad_(), labels()).backward()
    torch.testing.assert_close(at.detach(), logits(), rtol=0, atol=0)


def test_two_backward_passes_agree_and_a_second_derivative_is_refused() -> None:
    at = logits().requires_grad_()
    value = ProgressiveFocalLoss(use_sigmoid=True)(at, labels(), avg_factor=1.0)
    (once,) = torch.autograd.grad(value, at, retain_graph=True)
    (twice,) = torch.autograd.grad(value, at, retain_graph=True)
    torch.testing.assert_close(once, twice, rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="cannot be differentiated again"):
        torch.autograd.grad(value, at, create_graph=True)


class HostReads(TorchDispatchMode):
    """Notes what makes the host wait for a device: values read, and sizes that depend on them."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        kwargs = kwargs or {}
        by_mask = name.startswith("index") and any(
            isinstance(index, Tensor) and index.dtype == torch.bool for index in args[1]
        )
        moved = name == "_to_copy" and kwargs.get("device") is not None
        if name in self.WAITING or by_mask or moved:
            self.seen.append(name)
        return func(*args, **kwargs)


def test_host_reads_are_noted() -> None:
    ones = torch.ones(3)
    with HostReads() as reads:
        ones.sum().item()
        ones[ones > 0]
        ones.nonzero()
        ones.to("meta")
    assert reads.seen == ["_local_scalar_dense", "index", "nonzero", "_to_copy"]


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("condition", ["mean_nll", "nll_of_mean"])
def test_the_host_reads_nothing(kind: str, condition: Any) -> None:
    loss = LOSSES[kind][0](use_sigmoid=True, condition=condition)
    loss.trace = []
    at, target, weight = logits().requires_grad_(), target_of(kind), quality()
    with HostReads() as reads:
        loss(at, target, weight, avg_factor=3.0).backward()
    assert at.grad is not None
    assert reads.seen == []


@pytest.mark.parametrize("kind", LOSSES)
def test_probabilities_in_place_of_logits(kind: str) -> None:
    given, activated = (LOSSES[kind][0](use_sigmoid=True, activated=flag) for flag in (False, True))
    at = logits().requires_grad_()
    expected = torch.autograd.grad(given(at, target_of(kind), quality(), avg_factor=3.0), at)
    value = activated(at.sigmoid(), target_of(kind), quality(), avg_factor=3.0)
    torch.testing.assert_close(torch.autograd.grad(value, at), expected)


@pytest.mark.parametrize("kind", LOSSES)
def test_probabilities_of_nought_and_one_have_a_finite_loss(kind: str) -> None:
    at = logits().sigmoid().round().float().requires_grad_()
    value = LOSSES[kind][0](use_sigmoid=True, activated=True)(at, target_of(kind))
    value.backward()
    assert value.isfinite()
    assert at.grad is not None
    assert at.grad.isfinite().all()
