"""The condition of a level, and γ and α that follow from it."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from umop.losses import Focusing


def logits_of(*probabilities: float) -> torch.Tensor:
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).unsqueeze(1)


@pytest.mark.parametrize(("condition", "expected"), [("mean_nll", 2.355), ("nll_of_mean", 0.787)])
def test_the_two_conditions_of_the_documentation(condition: str, expected: float) -> None:
    wide = Focusing(centre=2.0, margin=1.99, condition=condition)  # type: ignore[arg-type]
    gamma, alpha = wide(logits_of(0.9, 0.01), torch.zeros(2, dtype=torch.int64))
    assert gamma.item() == pytest.approx(expected, abs=5e-4)
    assert alpha.item() == pytest.approx(0.5 / gamma.item())


@pytest.mark.parametrize(("probability", "gamma"), [(0.99, 1.5), (0.001, 2.5), (0.15, None)])
def test_gamma_follows_within_its_bounds(probability: float, gamma: float | None) -> None:
    labels = torch.zeros(1, dtype=torch.int64)
    measured, _ = Focusing()(logits_of(probability), labels)
    assert measured.item() == pytest.approx(gamma or -math.log(probability))


def test_only_the_true_class_of_positives_counts() -> None:
    logits = torch.tensor([[-1.8, 5.0], [3.0, -1.8], [9.0, 9.0]])
    gamma, _ = Focusing()(logits, torch.tensor([0, 1, 2]))
    assert gamma.item() == pytest.approx(math.log1p(math.exp(1.8)))


def measure(rank: int, ranks: int, folder: str) -> None:
    """One process of a distributed run, with one of two unequal levels."""
    torch.set_num_threads(1)  # OpenMP's others are not in a process that was forked
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=rank,
        world_size=ranks,
        timeout=timedelta(seconds=60),
    )
    probabilities = [(0.1, 0.12, 0.2), (0.14,)][rank]
    labels = torch.zeros(len(probabilities), dtype=torch.int64)
    gamma, alpha = Focusing()(logits_of(*probabilities), labels)
    torch.save((gamma, alpha), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_ranks_share_the_mean_of_their_conditions(tmp_path: Path) -> None:
    mp.start_processes(measure, (2, str(tmp_path)), nprocs=2, start_method="fork")
    alone = [
        sum(-math.log(p) for p in probabilities) / len(probabilities)
        for probabilities in ((0.1, 0.12, 0.2), (0.14,))
    ]
    expected = sum(alone) / 2
    for rank in range(2):
        gamma, alpha = torch.load(tmp_path / f"{rank}.pt")
        assert gamma.item() == pytest.approx(expected)
        assert alpha.item() == pytest.approx(0.5 / expected)
