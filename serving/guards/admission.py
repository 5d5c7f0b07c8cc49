"""Admission control: how many images are in progress at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serving.observability.metrics import Metrics

_FULL = "the queue of images is full; try again soon"


class OverloadedError(Exception):
    """No slot is free; try again later."""


class Admission:
    """Counts the images in progress, from when they have arrived until the answer.

    Args:
        slots: Most images in progress at a time.
        metrics: Records how many there are.
    """

    def __init__(self, slots: int, metrics: Metrics) -> None:
        self._free = slots
        self._gauge = metrics.admitted

    def require_slot(self) -> None:
        """Checks, before the body is read, that an image could be admitted now.

        Raises:
            OverloadedError: No slot is free.
        """
        if self._free < 1:
            raise OverloadedError(_FULL)

    @contextmanager
    def admit(self, images: int = 1) -> Iterator[None]:
        """Holds slots while the context lasts.

        Raises:
            OverloadedError: Fewer slots than that are free.
        """
        if images > self._free:
            raise OverloadedError(_FULL)
        self._free -= images
        self._gauge.inc(images)
        try:
            yield
        finally:
            self._free += images
            self._gauge.dec(images)
