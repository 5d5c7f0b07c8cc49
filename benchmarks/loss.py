"""UMOP's loss against mmdet's focal loss and against the same formula left to autograd.

    python benchmarks/loss.py

Forward and backward of the five levels of 2 × 800 × 1333 pixels and 80 classes, on the GPU if there
is one. The losses take turns, so that whatever else runs meets them alike; times are medians. Peak
memory is what the process (the GPU) takes beyond the logits, each loss in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from math import ceil
from statistics import median

import torch
import torch.nn.functional as F
from memory import forget_peak, resident_peak
from mmdet.models.losses import FocalLoss
from torch import Tensor, nn

from umop.losses import Focusing, ProgressiveFocalLoss

IMAGES, HEIGHT, WIDTH, CLASSES = 2, 800, 1333, 80
STRIDES = (8, 16, 32, 64, 128)
ROUNDS = 15
POSITIVES = 0.005
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class PlainLoss(nn.Module):
    """UMOP's focal loss as a sum of PyTorch's operations, which autograd differentiates."""

    def forward(self, logits: Tensor, labels: Tensor, weight: Tensor, avg_factor: float) -> Tensor:
        gamma, alpha = Focusing()(logits, labels)
        positive = labels.unsqueeze(1) == torch.arange(CLASSES, device=logits.device)
        wrong = logits.neg().where(positive, logits)
        balance = alpha.where(positive, 1 - alpha)
        loss = balance * wrong.sigmoid().pow(gamma) * F.softplus(wrong)
        return (loss * weight.unsqueeze(1)).sum() / avg_factor


LOSSES: dict[str, Callable[[], nn.Module]] = {
    "ProgressiveFocalLoss": lambda: ProgressiveFocalLoss(use_sigmoid=True),
    "the same, by autograd": PlainLoss,
    "mmdet's FocalLoss": lambda: FocalLoss(use_sigmoid=True),
}
Level = tuple[Tensor, Tensor, Tensor]


def main() -> None:
    print(f"torch {torch.__version__}, {DEVICE}, {torch.get_num_threads()} threads\n")
    times = take_turns({name: make() for name, make in LOSSES.items()})
    fastest = times["ProgressiveFocalLoss"]
    print("| loss | forward + backward | | peak memory |")
    print("|---|---|---|---|")
    for name, seconds in times.items():
        memory = peak_of(name) / 2**20
        print(f"| {name} | {1000 * seconds:.0f} ms | {seconds / fastest:.2f} | {memory:.0f} MiB |")


def levels() -> list[Level]:
    """Logits, labels and weights of each pyramid level."""
    torch.manual_seed(0)
    return [level(stride) for stride in STRIDES]


def level(stride: int) -> Level:
    anchors = IMAGES * ceil(HEIGHT / stride) * ceil(WIDTH / stride)
    logits = (torch.randn(anchors, CLASSES) - 4).to(DEVICE).requires_grad_()
    classes = torch.randint(CLASSES, (anchors,))
    labels = classes.where(torch.rand(anchors) < POSITIVES, CLASSES).to(DEVICE)
    return logits, labels, torch.ones(anchors, device=DEVICE)


def step(loss: nn.Module, data: list[Level]) -> None:
    """One forward and backward pass over all levels."""
    values = [loss(logits, labels, weight, avg_factor=200.0) for logits, labels, weight in data]
    torch.stack(values).sum().backward()
    for logits, _, _ in data:
        logits.grad = None
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def take_turns(losses: dict[str, nn.Module]) -> dict[str, float]:
    """The median seconds of each loss's step."""
    data = levels()
    times: dict[str, list[float]] = {name: [] for name in losses}
    for turn in range(ROUNDS + 1):
        for name, loss in losses.items():
            started = time.perf_counter()
            step(loss, data)
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: median(seconds) for name, seconds in times.items()}


def peak_of(name: str) -> int:
    """Bytes at the peak of a loss's step, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(peak, (name,))


def peak(name: str) -> int:
    """Bytes at the peak of a loss's step beyond those before it."""
    loss, data = LOSSES[name](), levels()
    if DEVICE == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step(loss, data)
        return torch.cuda.max_memory_allocated() - before
    step(loss, [level(STRIDES[-1])])
    forget_peak()
    before = resident_peak()
    step(loss, data)
    return resident_peak() - before


if __name__ == "__main__":
    main()
