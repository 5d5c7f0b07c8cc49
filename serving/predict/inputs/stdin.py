"""One image on standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

from serving.predict.inputs.errors import InputError
from serving.predict.inputs.item import Item, broken, digest, read_bounded

_NAME = "stdin"


class StandardInput:
    """An encoded image that is piped in."""

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``."""
        try:
            data = read_bounded(sys.stdin.buffer)
        except (InputError, OSError) as error:
            yield replace(broken(_NAME, error), is_file=False)
            return
        yield Item(_NAME, digest(data), lambda: data, is_file=False)

    def count(self) -> int:
        """See ``PathInput.count``."""
        return 1
