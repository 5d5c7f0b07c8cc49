"""How much the house holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serving.metrics import Metrics


class OverloadedError(Exception):
    """There is no place left; try again later."""


class Admission:
    """Counts the pictures in the house, from before their bytes are read until the answer.

    Args:
        places: Most pictures at a time.
        metrics: Shows how many there are.
    """

    def __init__(self, places: int, metrics: Metrics) -> None:
        self._free = places
        self._gauge = metrics.admitted

    @contextmanager
    def admit(self, pictures: int = 1) -> Iterator[None]:
        """Holds places while the context lasts.

        Raises:
            OverloadedError: Fewer places than that are free.
        """
        if pictures > self._free:
            raise OverloadedError("as many pictures as fit are being worked on; try again soon")
        self._free -= pictures
        self._gauge.inc(pictures)
        try:
            yield
        finally:
            self._free += pictures
            self._gauge.dec(pictures)
