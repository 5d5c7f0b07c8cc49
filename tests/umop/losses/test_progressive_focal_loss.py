"""UMOP's loss: its values, gradients, edges, and use in mmdet's heads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from torch import Tensor

from tests.umop.losses.reference import progressive_focal_loss as reference
from umop.losses import ProgressiveFocalLoss


def level(
    anchors: int = 64, classes: int = 5, spread: float = 3.0, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, labels and weights of one level; two thirds of the anchors are background."""
    random = np.random.default_rng(seed)
    logits = torch.tensor(random.normal(-1.0, spread, (anchors, classes)))
    labels = torch.tensor(random.integers(0, 3 * classes, anchors)).clamp(max=classes)
    weights = torch.tensor(random.uniform(0.5, 2.0, anchors))
    return logits, labels, weights


def test_is_known_to_mmdet_by_its_name() -> None:
    loss = MODELS.build({"type": "ProgressiveFocalLoss", "use_sigmoid": True})
    assert isinstance(loss, ProgressiveFocalLoss)


@pytest.mark.parametrize("classes", [1, 3, 80])
@pytest.mark.parametrize("condition", ["mean_nll", "nll_of_mean"])
@pytest.mark.parametrize("spread", [0.1, 1.0, 4.0])
def test_values_are_those_of_the_definition(classes: int, condition: str, spread: float) -> None:
    logits, labels, weights = level(classes=classes, spread=spread)
    loss = ProgressiveFocalLoss(use_sigmoid=True, condition=condition)
    expected = reference(logits.numpy(), labels.numpy(), weights.numpy(), 17.0, condition)
    assert loss(logits, labels, weights, avg_factor=17.0).item() == pytest.approx(expected)


def test_an_empty_level_has_gamma_two() -> None:
    logits, labels, weights = level()
    background = torch.full_like(labels, logits.size(1))
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    loss.trace = []
    value = loss(logits, background, weights, avg_factor=1.0).item()
    assert [level.gamma.item() for level in loss.trace] == [2.0]
    assert value == pytest.approx(
        reference(logits.numpy(), background.numpy(), weights.numpy(), 1.0)
    )


def test_a_level_of_positives_only() -> None:
    logits, _, weights = level(classes=3)
    labels = torch.arange(len(logits)) % 3
    value = ProgressiveFocalLoss(use_sigmoid=True)(logits, labels, weights, avg_factor=4.0)
    assert value.item() == pytest.approx(
        reference(logits.numpy(), labels.numpy(), weights.numpy(), 4.0)
    )


def test_ignored_anchors_add_nothing_and_learn_nothing() -> None:
    logits, labels, weights = level()
    logits.requires_grad_()
    weights[10:20] = 0
    ProgressiveFocalLoss(use_sigmoid=True)(logits, labels, weights, avg_factor=3.0).backward()
    assert logits.grad is not None
    assert not logits.grad[10:20].any()
    assert logits.grad[:10].abs().min() > 0


def test_avg_factor_divides_and_loss_weight_multiplies() -> None:
    logits, labels, weights = level()
    once = ProgressiveFocalLoss(use_sigmoid=True)(logits, labels, weights, avg_factor=2.0)
    twice = ProgressiveFocalLoss(use_sigmoid=True, loss_weight=3.0)(
        logits, labels, weights, avg_factor=4.0
    )
    assert twice.item() == pytest.approx(1.5 * once.item())


def test_reductions() -> None:
    logits, labels, weights = level()
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    each = loss(logits, labels, weights, reduction_override="none")
    assert each.shape == logits.shape
    total = loss(logits, labels, weights, reduction_override="sum")
    assert total.item() == pytest.approx(each.sum().item())


def test_gradients() -> None:
    logits, labels, weights = level(anchors=12, classes=3, spread=0.3)
    # γ is held constant by the stop-gradient, so it must sit at a bound for finite differences.
    logits = (logits - 6.0).requires_grad_()
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, labels, weights, avg_factor=5.0), (logits,))


def test_gamma_gets_no_gradient() -> None:
    """With γ measured inside its bounds the gradient is still that of a constant γ."""
    logits = torch.zeros(4, 1, dtype=torch.float64)
    logits[:, 0] = torch.tensor([-1.5, -2.0, -1.8, -1.6])
    labels = torch.zeros(4, dtype=torch.int64)
    logits.requires_grad_()
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    loss.trace = []
    loss(logits, labels, avg_factor=1.0).backward()
    [gamma] = (level.gamma.item() for level in loss.trace)
    assert 1.5 < gamma < 2.5
    p = logits.detach().sigmoid()
    alpha = 0.5 / gamma
    expected = alpha * (1 - p) ** gamma * (gamma * p * p.log() - (1 - p))
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_is_finite_where_sigmoid_is_not(dtype: torch.dtype) -> None:
    logits = torch.tensor([[-200.0, 200.0], [200.0, -200.0], [-80.0, 80.0]], dtype=dtype)
    logits.requires_grad_()
    labels = torch.tensor([0, 0, 2])
    value = ProgressiveFocalLoss(use_sigmoid=True)(logits, labels, avg_factor=1.0)
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_agrees_with_double(dtype: torch.dtype) -> None:
    logits, labels, weights = level(spread=2.0)
    half = logits.to(dtype)
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    expected = loss(half.double(), labels, weights, avg_factor=1.0).item()
    assert loss(half, labels, weights.float(), avg_factor=1.0).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_nothing_is_read_to_the_host() -> None:
    """On the meta device a read to the host raises, where on a GPU it would wait."""
    loss = ProgressiveFocalLoss(use_sigmoid=True)
    loss.trace = []
    logits = torch.zeros(8, 3, device="meta", requires_grad=True)
    labels = torch.zeros(8, dtype=torch.int64, device="meta")
    loss(logits, labels, torch.ones(8, device="meta"), avg_factor=1.0).backward()
    assert logits.grad is not None
    [traced] = loss.trace
    measured = (traced.condition, traced.gamma, traced.alpha, traced.positives)
    assert all(value.is_meta for value in measured)


@pytest.mark.parametrize("use_sigmoid", [False, None, 1])
def test_use_sigmoid_must_be_said(use_sigmoid: object) -> None:
    with pytest.raises(ValueError, match="use_sigmoid=True"):
        ProgressiveFocalLoss(use_sigmoid=use_sigmoid)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="use_sigmoid=True"):
        ProgressiveFocalLoss()


def test_unknown_condition_and_wrong_margin_are_refused() -> None:
    with pytest.raises(ValueError, match="nll_of_mean"):
        ProgressiveFocalLoss(use_sigmoid=True, condition="median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="margin"):
        ProgressiveFocalLoss(use_sigmoid=True, margin=2.0)
