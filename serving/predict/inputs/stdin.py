"""One image on standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from serving.predict.inputs.item import Item, read_bounded, read_once


class StandardInput:
    """An encoded image that is piped in."""

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``."""
        yield read_once("stdin", lambda: read_bounded(sys.stdin.buffer))

    def count(self) -> int:
        """See ``PathInput.count``."""
        return 1
