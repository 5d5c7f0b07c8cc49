"""How fast the windows of an image are done, and whether the others will be in time."""

from __future__ import annotations

import math
from time import monotonic

from serving.inference.tiles import TooSlowError

_GROUP = 16
"""Windows over which a pace is taken."""
_PATIENCE = 2
"""How many times the time that is left the rest may take: others may be done soon."""


class WindowPace:
    """Gives an image up whose windows would take much longer than there is time for.

    Args:
        windows: How many it has.
        until: By ``time.monotonic``, when all must be done.
    """

    def __init__(self, windows: int, until: float) -> None:
        self.left = windows
        self._windows = windows
        self._until = until
        self._began = monotonic()
        self._each = math.inf

    def step(self) -> None:
        """Counts a window that is done, and looks after each group of them but the first.

        Raises:
            TooSlowError: The others would take much longer than is left, at the best pace so far.
        """
        self.left -= 1
        done = self._windows - self.left
        if done % _GROUP or not self.left:
            return
        now = monotonic()
        if done > _GROUP:  # the first may have waited for other requests
            self._each = min(self._each, (now - self._began) / _GROUP)
        self._began = now
        if math.isfinite(self._each) and self._each * self.left > _PATIENCE * (self._until - now):
            raise TooSlowError(
                f"{self._windows} windows of the image would take some "
                f"{self._each * self._windows:.0f} s, which is too long; ask for larger ones "
                "(tiles), or send a smaller image"
            )
