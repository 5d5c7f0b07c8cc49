"""Asks a service again and again: ``python load.py URL KEY``.

Each second it prints a line: how many requests were answered or lost in that second, how many of
them were lost, and the longest time without an answer, in seconds. What is not 200 is lost.
"""

from __future__ import annotations

import io
import sys
import time
from threading import Lock, Thread

import httpx
from PIL import Image

CLIENTS = 4


class Tally:
    """Counts what came of the requests since the last line."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last_answer = time.monotonic()
        self._clear()

    def _clear(self) -> None:
        self._asked, self._lost, self._gap = 0, 0, 0.0

    def count(self, answered: bool) -> None:
        """Counts one request."""
        with self._lock:
            self._asked += 1
            self._lost += not answered
            if answered:
                self._see_gap()
                self._last_answer = time.monotonic()

    def line(self) -> str:
        """What is printed for the time since the last line."""
        with self._lock:
            self._see_gap()
            text = f"{self._asked} {self._lost} {self._gap:.1f}"
            self._clear()
            return text

    def _see_gap(self) -> None:
        self._gap = max(self._gap, time.monotonic() - self._last_answer)


def ask(tally: Tally, url: str, key: str, image: bytes) -> None:
    """Is one client, for ever."""
    with httpx.Client(timeout=60, headers={"X-API-Key": key}, trust_env=False) as client:
        while True:
            try:
                answered = client.post(url, content=image).status_code == httpx.codes.OK
            except httpx.TransportError:
                answered = False
            tally.count(answered)
            if not answered:
                time.sleep(0.2)


def small_image() -> bytes:
    """A grey PNG."""
    file = io.BytesIO()
    Image.new("RGB", (320, 320), "grey").save(file, "png")
    return file.getvalue()


def main(url: str, key: str) -> None:
    """Asks until it is ended."""
    tally, image = Tally(), small_image()
    for _ in range(CLIENTS):
        Thread(target=ask, args=(tally, url, key, image), daemon=True).start()
    while True:
        time.sleep(1)
        print(tally.line(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
