"""What a command prints: progress and notes on stderr, nothing from the libraries."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from umop.system.errors import is_of_full_disk

_SECONDS_BETWEEN_COUNTS = 20.0
_UNPRINTED = ("Cc", "Cs")


def note(text: str) -> None:
    """Prints a line to stderr."""
    print(text, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """A text on one line that does nothing to a terminal.

    Control characters, and halves of surrogate pairs, which no encoding has, become escapes.
    """
    if text.isprintable():
        return text
    return "".join(
        repr(each)[1:-1] if unicodedata.category(each) in _UNPRINTED else each for each in text
    )


def counted(count: int, noun: str) -> str:
    """A number of things: ``1 box``, ``2 boxes``."""
    plural = f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def duration(seconds: float) -> str:
    """A length of time in words: ``80 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} d {minutes // 60 % 24} h"


class Count:
    """Notes now and then how much of long work is done, and about how long the rest takes.

    Args:
        what: What is counted, such as ``evaluating: image``.
        total: How many there are.
    """

    def __init__(self, what: str, total: int) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self.started = self.noted = monotonic()

    def advance(self) -> None:
        """Counts one more."""
        self.done += 1
        now = monotonic()
        if now - self.noted < _SECONDS_BETWEEN_COUNTS:
            return
        self.noted = now
        left = (now - self.started) / self.done * (self.total - self.done)
        note(f"{self.what} {self.done} of {self.total}, about {duration(left)} left")


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
        before, logging.raiseExceptions = logging.raiseExceptions, False
        try:  # a log that cannot be written is no traceback
            yield
        finally:
            logging.raiseExceptions = before


@contextlib.contextmanager
def quiet_logger(name: str) -> Iterator[None]:
    """Drops what a logger has to say below an error, inside the block.

    Args:
        name: Of the logger; empty for the root.
    """
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def report_thread(failed: threading.ExceptHookArgs) -> None:
    """Prints the traceback of a thread; a full disk is said once, by the main thread."""
    if not is_of_full_disk(failed.exc_value):
        threading.__excepthook__(failed)
