"""How fast the windows of an image are done, and whether the others will be in time."""

from __future__ import annotations

from time import monotonic

from serving.inference.tiles import TooSlowError

_GROUP = 16
"""Windows after which the pace is looked at."""
_PATIENCE = 2
"""How many times the time that is left the rest may take: other programs may be done soon."""


class WindowPace:
    """Gives an image up whose windows would take much longer than there is time for.

    Only the network's own time counts: while other requests have their turns, an image is not slow.

    Args:
        windows: How many it has.
        until: By ``time.monotonic``, when all must be done.
        at_a_time: How many of them the network runs at the same time.
    """

    def __init__(self, windows: int, until: float, at_a_time: int = 1) -> None:
        self.left = windows
        self._windows = windows
        self._until = until
        self._at_a_time = at_a_time
        self._seconds = 0.0

    def step(self, seconds: float) -> None:
        """Counts a window that is done, and looks after each group of them.

        Args:
            seconds: How long the network took for it.

        Raises:
            TooSlowError: The others would take much longer than is left.
        """
        self.left -= 1
        self._seconds += seconds
        done = self._windows - self.left
        if done % _GROUP or not self.left:
            return
        each = self._seconds / done / self._at_a_time
        if each * self.left > _PATIENCE * (self._until - monotonic()):
            raise TooSlowError(
                f"{self._windows} windows of the image would take some "
                f"{each * self._windows:.0f} s, which is too long; ask for larger ones "
                "(tiles), or send a smaller image"
            )
