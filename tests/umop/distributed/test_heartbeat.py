"""Signs of life of ranks, and their absence."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from threading import Thread

import pytest

from tests.serving.waiting import wait_until
from umop.distributed import heartbeat
from umop.distributed.heartbeat import HeartbeatMonitor


class Clock:
    """Stands still unless it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setenv(heartbeat.HEARTBEATS_VARIABLE, str(tmp_path))
    return clock


def looks(monitor: HeartbeatMonitor, clock: Clock, seconds: int) -> list[bool]:
    """What two looks a second say."""
    found = []
    for _ in range(2 * seconds):
        clock.now += 0.5
        found.append(monitor.has_stopped())
    return found


def test_a_rank_is_frozen_that_is_silent_for_too_long(clock: Clock, tmp_path: Path) -> None:
    monitor = HeartbeatMonitor(0, limit=10)
    assert not any(looks(monitor, clock, 60)), "it has not started"
    (tmp_path / "0").touch()
    assert not any(looks(monitor, clock, 10))
    assert looks(monitor, clock, 1)[-1]
    (tmp_path / "0").touch()
    assert not any(looks(monitor, clock, 10))


def test_a_pause_of_the_whole_machine_is_no_silence(clock: Clock, tmp_path: Path) -> None:
    monitor = HeartbeatMonitor(0, limit=10)
    (tmp_path / "0").touch()
    assert not any(looks(monitor, clock, 5))
    clock.now += 3600
    assert not any(looks(monitor, clock, 3))


def test_a_disk_that_cannot_be_written_is_no_silence(clock: Clock, tmp_path: Path) -> None:
    monitor = HeartbeatMonitor(0, limit=10)
    (tmp_path / "0").touch()
    cannot_be_touched(tmp_path / heartbeat.LAUNCHER)
    assert not any(looks(monitor, clock, 30))
    (tmp_path / heartbeat.LAUNCHER).unlink()
    assert looks(monitor, clock, 11)[-1]


def test_a_rank_gives_signs_of_life_again_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS_BETWEEN_BEATS", 0.01)
    file = tmp_path / "beats" / "0"
    file.parent.mkdir()
    cannot_be_touched(file)
    beats = Thread(target=heartbeat.beat, args=(file,))
    beats.start()
    time.sleep(0.1)
    file.unlink()
    wait_until(file.is_file, seconds=60)
    shutil.rmtree(file.parent)
    beats.join(60)
    assert not beats.is_alive(), "it ends with its folder"


def cannot_be_touched(file: Path) -> None:
    """Makes a link to itself, which fails for root too, as a file on a read-only disk does."""
    file.symlink_to(file)
