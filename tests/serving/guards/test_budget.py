"""Bytes that requests hold together."""

from __future__ import annotations

from serving.guards.budget import ByteBudget


def test_what_all_requests_hold_is_too_much_for_each() -> None:
    budget = ByteBudget(10)
    with budget.hold() as one, budget.hold() as other:
        one.add(6)
        other.add(4)
        assert not one.is_too_much
        assert not other.is_too_much
        other.add(1)
        assert one.is_too_much
        assert other.is_too_much
        assert (one.size, other.size) == (6, 5)


def test_a_request_that_ends_gives_back_what_it_held() -> None:
    budget = ByteBudget(10)
    with budget.hold() as one:
        with budget.hold() as other:
            other.add(20)
        assert budget.left == 10
        one.add(10)
        assert not one.is_too_much
