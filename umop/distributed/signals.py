"""SIGTERM and SIGINT: finish the step, save, and end; a second one ends at once."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import Any

from umop.system.errors import Stopped
from umop.system.exit_codes import STOPPED

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG = 1
_SHOW_CURSOR = "\x1b[?25h"
SECONDS_OF_ONE = 1.0
"""Signals within this time count once: torch elastic forwards what all processes may have got."""
_SECONDS_TO_REACT = 3.0
"""How long a program that waits for another, in no code of Python's, is given to come back."""


class StopSignals:
    """Whether training was asked to stop, by the signals that a command takes.

    Attributes:
        asked: A signal came.
        deferring: It is only remembered, for training to stop after the step; otherwise it raises
            :class:`Stopped` where the program is.
        ending: Training ends anyway.
    """

    def __init__(self) -> None:
        self.asked = False
        self.asked_time = 0.0
        self.ending = False
        self.deferring = False
        self.process = os.getpid()

    @contextlib.contextmanager
    def handled(self) -> Iterator[StopSignals]:
        """Takes the two signals inside the block."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        Thread(target=self.insist, args=(reader,), daemon=True).start()
        before = {one: signal.signal(one, self.handle) for one in _SIGNALS}
        wakes_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(wakes_before)
            os.close(writer)
            for one, handler in before.items():
                signal.signal(one, handler)

    def insist(self, signals: int) -> None:
        """Ends the process where a signal does not get to :meth:`handle`, and nothing is to save.

        Python runs handlers between its own instructions, so not while it waits for another
        process in a library. A thread learns of the signal all the same.

        Args:
            signals: Descriptor that the numbers of all signals come from, a byte each.
        """
        while number := os.read(signals, 1):
            if number[0] not in _SIGNALS:
                continue
            time.sleep(_SECONDS_TO_REACT)
            is_ours = signal.getsignal(signal.SIGTERM) == self.handle
            if is_ours and not (self.asked or self.deferring or self.ending):
                _say("Stopped. The same command goes on.")
                exit_now(STOPPED)
        os.close(signals)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Raises :class:`Stopped` inside the block, for what may be left in the middle."""
        self.deferring = False
        try:
            self.check()
            yield
        finally:
            self.deferring = True

    @contextlib.contextmanager
    def later(self) -> Iterator[None]:
        """Only remembers a signal inside the block, for what has to be whole."""
        before, self.deferring = self.deferring, True
        try:
            yield
        finally:
            self.deferring = before
        if not before:
            self.check()

    def check(self) -> None:
        """Raises :class:`Stopped` if a signal came."""
        if self.asked:
            raise Stopped

    def handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process or self.ending:
            return
        if self.asked:
            if time.monotonic() - self.asked_time > SECONDS_OF_ONE:
                self.end_at_once(number)
            return
        self.asked = True
        self.asked_time = time.monotonic()
        if not self.deferring:
            raise Stopped
        _say("Stopping after this step. A second signal ends at once, without saving.")

    def end_at_once(self, number: int) -> None:
        """Ends the process: a second signal came."""
        exit_now(128 + number)


class Interrupts(StopSignals):
    """Whether training was asked to stop by Ctrl-C, in a program that lives on: a notebook's."""

    @contextlib.contextmanager
    def handled(self) -> Iterator[Interrupts]:
        """Takes SIGINT inside the block; in another thread than the main one, none comes."""
        with kept_handlers(signal.SIGINT):
            if in_main_thread():
                signal.signal(signal.SIGINT, self.handle)
            yield self

    def end_at_once(self, number: int) -> None:
        """Breaks training off, without saving."""
        raise KeyboardInterrupt


def in_main_thread() -> bool:
    """Whether this is the thread that gets signals, the only one that may say what they do."""
    return current_thread() is main_thread()


@contextlib.contextmanager
def kept_handlers(*numbers: signal.Signals) -> Iterator[None]:
    """Puts back at the end of the block what was to handle some signals before it."""
    before = {one: signal.getsignal(one) for one in numbers} if in_main_thread() else {}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def ignore_signals() -> None:
    """Makes this process, which ends anyway, do so with the exit code that it has chosen."""
    if in_main_thread():
        for one in _SIGNALS:
            signal.signal(one, signal.SIG_IGN)


def _say(text: str) -> None:
    """Writes a line to stderr from a signal handler, and shows the cursor again."""
    start = f"{_SHOW_CURSOR}\n" if os.isatty(2) else ""
    os.write(2, f"{start}{text}\n".encode())


def exit_now(code: int) -> None:
    """Ends this process without any clearing up but the terminal's."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR.encode())
    os._exit(code)


def follow_parent(worker: int = 0, *_: Any) -> None:
    """Makes a data loader's process leave signals to the one that trains, and end with it.

    A terminal, Slurm or torch elastic sends a signal to all processes; without its data loader,
    training could not finish its step.
    """
    ignore_signals()
    _end_with_parent(signal.SIGKILL)


def _end_with_parent(number: signal.Signals) -> None:
    """Has the kernel send this process a signal when its parent ends, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


@contextlib.contextmanager
def ended_loaders() -> Iterator[None]:
    """Ends the data loader's processes behind the block, which take no other signal than SIGKILL.

    torch's handler of SIGCHLD, which takes their end for a failure, is off meanwhile. Processes
    that were there before are not the data loader's.
    """
    others = set(multiprocessing.active_children())
    try:
        yield
    finally:
        with kept_handlers(signal.SIGCHLD):
            if in_main_thread():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for child in set(multiprocessing.active_children()) - others:
                if child.daemon:
                    child.kill()
                    child.join()
