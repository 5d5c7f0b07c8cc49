"""What is drawn follows from the seed and the place, and from nothing before."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from umop.engine.randomness import sample_drawn, seed_step

Drawn = tuple[float, float, float]


def draw() -> Drawn:
    """A number of each generator."""
    return random.random(), float(np.random.rand()), float(torch.rand(1))


def in_step(seed: int, iteration: int, rank: int) -> Drawn:
    seed_step(seed, iteration, rank)
    return draw()


def test_a_step_draws_the_same_again() -> None:
    first = in_step(1, 5, 0)
    draw()
    assert in_step(1, 5, 0) == first


def test_other_steps_ranks_and_seeds_draw_others() -> None:
    drawn = [in_step(*place) for place in ((1, 5, 0), (1, 6, 0), (1, 5, 1), (2, 5, 0))]
    for generator in zip(*drawn, strict=True):
        assert len(set(generator)) == len(drawn)


def test_a_sample_leaves_the_generators_as_they_were() -> None:
    seed_step(1, 0, 0)
    expected = draw()
    seed_step(1, 0, 0)
    with sample_drawn(1, 8):
        inside = draw()
    assert draw() == expected
    with sample_drawn(1, 8):
        assert draw() == inside


def test_an_error_in_a_sample_leaves_them_so_too() -> None:
    seed_step(1, 0, 0)
    expected = draw()
    seed_step(1, 0, 0)
    with pytest.raises(ValueError, match="torn"), sample_drawn(1, 8):
        raise ValueError(f"torn at {draw()}")
    assert draw() == expected
