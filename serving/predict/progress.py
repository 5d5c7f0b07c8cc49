"""How far the command has come: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from time import monotonic
from typing import Protocol

_SECONDS_BETWEEN_LINES = 20.0


class _Display(Protocol):
    def show(self, done: int, total: int | None, left: str) -> None:
        """Shows how far the command has come.

        Args:
            done: How many images are done.
            total: How many there are; None while they are counted.
            left: How long the rest takes, in words; empty where that is not known.
        """

    def close(self) -> None:
        """Ends the display."""


class Progress:
    """Says how many images are done, and about how long the rest takes.

    Counting a large folder takes a while; it goes on beside the work.

    Args:
        count: Counts the images.
        is_shown: Whether anything is printed.
    """

    def __init__(self, count: Callable[[], int], *, is_shown: bool) -> None:
        self._count = count
        self._display = _display() if is_shown else None
        self._total: int | None = None
        self._done = 0
        self._worked = 0
        self._started = monotonic()

    def __enter__(self) -> Progress:
        if self._display is not None:
            Thread(target=self._set_total, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._display.close()

    def advance(self, *, was_there: bool) -> None:
        """Counts one more; what was there already says nothing of the pace."""
        self._done += 1
        self._worked += not was_there
        if self._display is not None:
            self._display.show(self._done, self._total, self._left())

    def _left(self) -> str:
        if self._total is None or self._worked < 3:
            return ""
        seconds = (monotonic() - self._started) / self._worked * (self._total - self._done)
        return f"{timedelta(seconds=max(0, round(seconds)))} left"

    def _set_total(self) -> None:
        self._total = self._count()


def _display() -> _Display:
    return _Bar() if sys.stderr.isatty() else _Lines()


class _Lines:
    def __init__(self) -> None:
        self._shown = monotonic()

    def show(self, done: int, total: int | None, left: str) -> None:
        """See ``_Display``."""
        if (now := monotonic()) - self._shown < _SECONDS_BETWEEN_LINES or done == total:
            return
        self._shown = now
        of = f" of {total}" if total else ""
        print(f"{done}{of} images{left and f', about {left}'}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """See ``_Display``."""


class _Bar:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._task = self._bar.add_task("", total=None, left="")
        self._bar.start()

    def show(self, done: int, total: int | None, left: str) -> None:
        """See ``_Display``."""
        self._bar.update(self._task, completed=done, total=total, left=left)

    def close(self) -> None:
        """See ``_Display``."""
        self._bar.stop()
