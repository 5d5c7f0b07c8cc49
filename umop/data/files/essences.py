"""Folders that do not contradict each other, by their essences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from umop.data.files.names import contradict

Essence = tuple[str, ...]
"""What tells a folder from others, see :func:`umop.data.files.names.essence`."""


class Essences:
    """Essences, of which those that fit another are found without a look at all.

    Args:
        known: The essences, each as often as it is there.
    """

    def __init__(self, known: Iterable[Essence]) -> None:
        self._all = frozenset(known)
        self._with_part: dict[str, set[Essence]] = defaultdict(set)
        for each in self._all:
            for part in each:
                self._with_part[part].add(each)
        self._by_rarest: dict[str, set[Essence]] = defaultdict(set)
        for each in self._all:
            self._by_rarest[self._rarest(each)].add(each)

    def fitting(self, one: Essence) -> frozenset[Essence]:
        """Those that do not contradict one: all its parts are theirs, or theirs are its own."""
        if not one:
            return self._all
        around = self._with_part.get(self._rarest(one), set())
        inside = (self._by_rarest.get(part, set()) for part in ("", *one))
        return frozenset(each for each in around.union(*inside) if not contradict(one, each))

    def _rarest(self, one: Essence) -> str:
        """The part that the fewest have; nothing where there is none."""
        return min(one, key=lambda part: len(self._with_part.get(part, ())), default="")
