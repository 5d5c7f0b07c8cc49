"""Signs of life that ranks give to the process that started them.

A rank that is frozen, or whose library keeps Python's lock, cannot find out by itself; alone on its
machine, no other process there would.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

HEARTBEATS_VARIABLE = "_UMOP_HEARTBEATS"
"""The variable that tells ranks where to give signs of life."""
LAUNCHER = "launcher"
SECONDS_BETWEEN_BEATS = 1.0
_LONGEST_LOOK = 1.0
"""Seconds that count between two looks: if there were more, this process was paused, too."""


def start_heartbeat() -> None:
    """Gives a sign of life each second while this process runs, if one that started it asks."""
    if HEARTBEATS_VARIABLE in os.environ:
        Thread(target=beat, args=(_heartbeat_file(os.environ["LOCAL_RANK"]),), daemon=True).start()


def beat(file: Path) -> None:
    """Touches a file again and again, until its folder is gone with the process that made it."""
    with contextlib.suppress(FileNotFoundError):
        while True:
            _touch(file)
            time.sleep(SECONDS_BETWEEN_BEATS)


def _touch(file: Path) -> bool:
    """Touches a file; returns whether it can be written, which a disk may refuse at any time.

    Raises:
        FileNotFoundError: Its folder is gone.
    """
    try:
        file.touch()
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _heartbeat_file(name: int | str) -> Path:
    """The file that a rank touches, by its number on this node, or the process that started it."""
    return Path(os.environ[HEARTBEATS_VARIABLE]) / str(name)


@dataclass
class HeartbeatMonitor:
    """What the process that started a rank knows of it.

    Attributes:
        local_rank: Number of the rank among those of this node.
        limit: Seconds without a sign of life after which it counts as frozen. A pause of all that
            runs here, as of a suspended machine, does not count, nor does a disk that cannot be
            written.
    """

    local_rank: int
    limit: float
    beat: int = 0
    silent: float = 0.0
    looked: float = field(default_factory=time.monotonic)

    def has_stopped(self) -> bool:
        """Whether the rank has begun to give signs of life, and then gave none for too long."""
        now = time.monotonic()
        self.silent += min(now - self.looked, _LONGEST_LOOK)
        self.looked = now
        try:
            beat = _heartbeat_file(self.local_rank).stat().st_mtime_ns
            can_beat = _touch(_heartbeat_file(LAUNCHER))
        except OSError:  # it has not started yet
            return False
        if beat != self.beat or not can_beat:
            self.beat, self.silent = beat, 0.0
        return self.silent > self.limit
