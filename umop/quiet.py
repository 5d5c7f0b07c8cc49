"""Keeps what libraries print out of the user's sight."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drops what is printed to stdout, and warnings, inside the block.

    For the imports and calls of mmdet and its relatives, which print by the hundred lines.
    What mmengine logs is in the log file of the run; progress and errors go to stderr.
    """
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
