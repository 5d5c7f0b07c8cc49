"""Signs of life of ranks, and their absence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from umop.training import heartbeat
from umop.training.heartbeat import Heart


class Clock:
    """Stands still unless it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setenv(heartbeat.FOLDER, str(tmp_path))
    return clock


def looks(heart: Heart, clock: Clock, seconds: int) -> list[bool]:
    """What two looks a second say."""
    found = []
    for _ in range(2 * seconds):
        clock.now += 0.5
        found.append(heart.has_stopped())
    return found


def test_a_rank_is_frozen_that_is_silent_for_too_long(clock: Clock, tmp_path: Path) -> None:
    heart = Heart(0, limit=10)
    assert not any(looks(heart, clock, 60)), "it has not started"
    (tmp_path / "0").touch()
    assert not any(looks(heart, clock, 10))
    assert looks(heart, clock, 1)[-1]
    (tmp_path / "0").touch()
    assert not any(looks(heart, clock, 10))


def test_a_pause_of_the_whole_machine_is_no_silence(clock: Clock, tmp_path: Path) -> None:
    heart = Heart(0, limit=10)
    (tmp_path / "0").touch()
    assert not any(looks(heart, clock, 5))
    clock.now += 3600
    assert not any(looks(heart, clock, 3))
