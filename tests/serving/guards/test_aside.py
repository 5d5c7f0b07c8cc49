"""Which work is done beside the event loop."""

from __future__ import annotations

import asyncio
from threading import current_thread, main_thread

import pytest

from serving.guards.aside import MANY_BOXES, aside


@pytest.mark.parametrize(
    ("boxes", "beside"), [(0, False), (MANY_BOXES - 1, False), (MANY_BOXES, True)]
)
def test_only_what_takes_long_is_given_to_a_thread(boxes: int, beside: bool) -> None:
    thread = asyncio.run(aside(boxes, current_thread))
    assert (thread is not main_thread()) is beside
