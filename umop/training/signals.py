"""SIGTERM and SIGINT: finish the step, save, and end; a second one ends at once."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from umop.errors import Stopped

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PR_SET_PDEATHSIG = 1
SHOW_CURSOR = "\x1b[?25h"


class StopSignals:
    """Whether training was asked to stop.

    Outside :meth:`deferred`, a signal raises :class:`Stopped` where the program is.
    """

    def __init__(self) -> None:
        self.asked = False
        self.ending = False
        self.deferring = False
        self.process = os.getpid()

    @contextlib.contextmanager
    def handled(self) -> Iterator[StopSignals]:
        """Takes the two signals inside the block."""
        before = {one: signal.signal(one, self.handle) for one in SIGNALS}
        try:
            yield self
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Only remembers a signal inside the block."""
        self.deferring = True
        try:
            yield
        finally:
            self.deferring = False

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Raises :class:`Stopped` inside the block, for what may be left in the middle."""
        self.deferring = False
        try:
            self.check()
            yield
        finally:
            self.deferring = True

    def check(self) -> None:
        """Raises :class:`Stopped` if a signal came."""
        if self.asked:
            raise Stopped

    def handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process or self.ending:
            return
        if self.asked:
            leave(128 + number)
        self.asked = True
        if not self.deferring:
            raise Stopped
        say("Stopping after this step. A second signal ends at once, without saving.")


def say(text: str) -> None:
    """Writes a line to stderr from a signal handler, and shows the cursor again."""
    start = f"{SHOW_CURSOR}\n" if os.isatty(2) else ""
    os.write(2, f"{start}{text}\n".encode())


def leave(code: int) -> None:
    """Ends this process without any clearing up but the terminal's."""
    if os.isatty(2):
        os.write(2, SHOW_CURSOR.encode())
    os._exit(code)


def follow_parent(worker: int = 0, *_: Any) -> None:
    """Makes a data loader's process leave signals to the one that trains, and end with it.

    A terminal, Slurm or torch elastic sends a signal to all processes; without its data loader,
    training could not finish its step.
    """
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    end_with_parent(signal.SIGKILL)


def end_with_parent(number: signal.Signals) -> None:
    """Has the kernel send this process a signal when its parent ends, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def end_loaders() -> None:
    """Ends the data loader's processes, which take no other signal than SIGKILL.

    torch's handler of SIGCHLD, which takes their end for a failure, is off meanwhile.
    """
    handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()
            child.join()
    signal.signal(signal.SIGCHLD, handler)
