"""Random numbers that follow from where training is, not from what came before.

A step and a sample each seed the generators with numbers of their own. So a run that is resumed
at an iteration draws what it would have drawn there anyway, and no generator's state is saved.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


def seed_step(seed: int, iteration: int, rank: int) -> None:
    """Seeds Python, NumPy and torch, on the CPU and the GPU, for one step of one rank.

    Where there is no GPU, ``torch.manual_seed`` would format a traceback in every step.

    Args:
        seed: Seed of the run.
        iteration: The step, from 0 at the start of the run.
        rank: The process, from 0.
    """
    for_python, for_numpy, for_torch = _seeds(seed, iteration, rank)
    random.seed(for_python)
    np.random.seed(for_numpy)
    torch.default_generator.manual_seed(for_torch)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(for_torch)


@contextlib.contextmanager
def sample_drawn(seed: int, number: int) -> Iterator[None]:
    """Seeds the CPU's generators inside the block, for the sample of that number.

    Their states are put back behind it: a sample may be loaded in the process that trains.
    """
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    for_python, for_numpy, for_torch = _seeds(seed, number)
    random.seed(for_python)
    np.random.seed(for_numpy)
    torch.default_generator.manual_seed(for_torch)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _seeds(*key: int) -> tuple[int, int, int]:
    """Seeds for Python, NumPy (32 bits) and torch, well mixed even where keys differ by one."""
    words = np.random.SeedSequence(key).generate_state(3)
    return int(words[0]), int(words[1]), int(words[2])
