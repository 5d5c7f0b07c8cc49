"""Focal losses in one pass: the gradient is computed with the loss and is all that is kept.

Autograd would keep about eight tensors of the logits' size from the forward to the backward pass,
and read each of them from memory again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CPU_BLOCK = 1 << 16
"""Logits that one thread works on at a time: its buffers stay in the L2 cache."""
_GPU_BLOCK = 1 << 22
"""Logits that a GPU works on at a time: enough to fill it, few enough to need little memory."""


def fused_focal(
    logits: Tensor,
    labels: Tensor,
    positive_loss: Callable[[Tensor], Tensor],
    *,
    gamma: Tensor,
    negative_weight: Tensor | float = 1.0,
    weight: Tensor | None = None,
    summed: bool = True,
) -> Tensor:
    """Computes a focal loss whose negatives are ``negative_weight`` · p^γ · −log(1 − p).

    Its gradient cannot be differentiated again.

    Args:
        logits: Float of shape (N, C). Half precision is computed in float32.
        labels: Class of each anchor, int64 of shape (N,); none of 0 to C − 1 means background.
        positive_loss: The loss of each anchor's logit of its class: takes and returns float of
            shape (N,); what it returns for background is not used.
        gamma: Focusing γ, a scalar.
        negative_weight: Factor of the negatives.
        weight: Factor of each anchor, float of shape (N, 1), or of each logit, (N, C).
        summed: Whether to sum the losses.

    Returns:
        A scalar, or float of shape (N, C) where ``summed`` is False; float32 or float64.

    Raises:
        RuntimeError: In a backward pass with ``create_graph=True``.
    """
    differentiable = torch.is_grad_enabled() and logits.requires_grad
    with torch.no_grad():
        precision = torch.promote_types(logits.dtype, torch.float32)
        own = labels.clamp(0, logits.size(1) - 1).unsqueeze(1)
        own_logits = logits.gather(1, own).squeeze(1).to(precision)
        positives, slopes = _with_slope(positive_loss, own_logits, differentiable)
        loss = logits.new_zeros(() if summed else logits.shape, dtype=precision)
        gradient = torch.empty_like(logits, dtype=precision) if differentiable else None

        for rows in _blocks(logits):
            chosen = _one_hot(labels[rows], logits.size(1))
            factor = 1.0 if weight is None else weight[rows]
            block, slope = _negatives(logits[rows].to(precision), gamma)
            block = positives[rows].where(chosen, block.mul_(negative_weight)).mul_(factor)
            if summed:
                loss += block.sum()
            else:
                loss[rows] = block
            if gradient is not None:
                slope = slopes[rows].where(chosen, slope.mul_(negative_weight))
                torch.mul(slope, factor, out=gradient[rows])
    if gradient is None:
        return loss
    return _Differentiated.apply(logits, loss, gradient)  # type: ignore[no-untyped-call]


def modulation(logits: Tensor, gamma: Tensor) -> Tensor:
    """p^γ, where p is the logits' sigmoid; its derivative is finite where p underflows."""
    return (gamma * F.logsigmoid(logits)).exp()


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    """Bool of shape (N, classes), True at the class of each anchor; background has none."""
    return labels.unsqueeze(1) == torch.arange(classes, device=labels.device)


def _negatives(logits: Tensor, gamma: Tensor) -> tuple[Tensor, Tensor]:
    """p^γ · −log(1 − p) of each logit, and its derivative."""
    p = logits.sigmoid()
    softplus = F.softplus(logits)  # −log(1 − p)
    focus = (logits - softplus).mul_(gamma).exp_()  # p^γ, because log p is logit − softplus
    loss = focus * softplus
    slope = softplus.mul_(gamma).mul_(1 - p).add_(p).mul_(focus)
    return loss, slope


def _with_slope(
    function: Callable[[Tensor], Tensor], at: Tensor, differentiable: bool
) -> tuple[Tensor, Tensor]:
    """The values of an elementwise function, and its derivatives if asked; shape (N, 1)."""
    if not differentiable:
        values = function(at)
        return values.unsqueeze(1), values.unsqueeze(1)
    with torch.enable_grad():
        values = function(at.requires_grad_())
        (slopes,) = torch.autograd.grad(values.sum(), at)
    return values.detach().unsqueeze(1), slopes.unsqueeze(1)


def _blocks(logits: Tensor) -> Iterator[slice]:
    size = CPU_BLOCK * torch.get_num_threads() if logits.device.type == "cpu" else _GPU_BLOCK
    step = max(1, size // logits.size(1))
    for start in range(0, len(logits), step):
        yield slice(start, start + step)


class _Differentiated(torch.autograd.Function):
    """A loss whose gradient is known already."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, loss: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return loss.view_as(loss)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the gradient of a progressive loss cannot be differentiated again: "
                "leave create_graph=True out"
            )
        (known,) = ctx.saved_tensors
        return gradient * known, None, None
