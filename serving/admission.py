"""How much the house holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class OverloadedError(Exception):
    """There is no place left; try again later."""


class Admission:
    """Counts the pictures in the house, from before their bytes are read until the answer.

    Args:
        places: Most pictures at a time.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0

    @contextmanager
    def admit(self, pictures: int = 1) -> Iterator[None]:
        """Holds places while the context lasts.

        Raises:
            OverloadedError: Fewer places than that are free.
        """
        if self.taken + pictures > self.places:
            raise OverloadedError(f"{self.taken} pictures are being worked on; try again soon")
        self.taken += pictures
        try:
            yield
        finally:
            self.taken -= pictures
