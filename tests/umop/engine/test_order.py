"""Batches follow from where training is."""

from __future__ import annotations

from itertools import islice

import pytest
from torch.utils.data import BatchSampler, SequentialSampler

from umop.engine.order import ResumableBatches


def batches(endless: bool = False, last_from: int = 100) -> ResumableBatches:
    """Those of six samples, two each."""
    order = BatchSampler(SequentialSampler(range(6)), 2, drop_last=False)
    return ResumableBatches(order, endless, lambda iteration: iteration >= last_from)


def test_a_pass_goes_on_in_the_middle_of_an_epoch() -> None:
    whole, rest = batches(), batches()
    whole.start_at(1, 0)
    rest.start_at(1, 2)
    assert list(rest) == list(whole)[2:]
    assert len(list(rest)) == 1


@pytest.mark.parametrize("place", [0, 2, 7])
def test_an_endless_pass_goes_on_anywhere(place: int) -> None:
    rest = batches(endless=True)
    rest.start_at(0, place)
    expected = list(islice(batches(endless=True), place + 4))[place:]
    assert list(islice(rest, 4)) == expected


def test_every_sample_of_a_run_has_a_number_of_its_own() -> None:
    numbers = [number for batch in islice(batches(endless=True), 9) for _, number, _ in batch]
    assert numbers == list(range(18))


def test_the_last_part_begins_at_an_iteration() -> None:
    order = batches(endless=True, last_from=4)
    order.start_at(0, 3)
    third, fourth = islice(order, 2)
    assert [is_last for *_, is_last in third + fourth] == [False, False, True, True]
