"""Captured images are bounded in bytes and age, and other files are left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.capture.folder import CaptureFolder
from serving.capture.images import CapturedImages

DAY = 86_400.0


def names(folder: Path) -> list[str]:
    return sorted(path.stem.rpartition("-")[2] for path in folder.glob("*.jpg"))


def at(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    monkeypatch.setattr("serving.capture.images.time", lambda: now)


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=250, most_seconds=DAY)
    for second in range(4):
        at(monkeypatch, 1e9 + second)
        images.add(second, f"r{second}", bytes(90), bytes(10))
    assert names(tmp_path) == ["r2", "r3"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 200


def test_what_is_too_old_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=10**6, most_seconds=DAY)
    for now, request in ((1e9, "old"), (1e9 + 0.9 * DAY, "young"), (1e9 + 1.1 * DAY, "new")):
        at(monkeypatch, now)
        images.add(0, request, b"image", b"answer")
    assert names(tmp_path) == ["new", "young"]
    at(monkeypatch, 1e9 + 2 * DAY)
    images.drop_oldest()
    assert names(tmp_path) == ["new"]


def test_an_image_that_looks_like_one_is_found(tmp_path: Path) -> None:
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=10**6, most_seconds=DAY)
    images.add(0xFF00FF00FF00FF00, "first", b"image", b"answer")
    assert images.has_alike(0xFF00FF00FF00FF07)
    assert not images.has_alike(0xFF00FF00FF00F0F8)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "holiday.jpg").write_bytes(bytes(1000))
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=1, most_seconds=DAY)
    images.add(0, "one", b"image", b"answer")
    images.add(~0 & (2**64 - 1), "two", b"image", b"answer")
    assert {"notes.json", "holiday.jpg"} <= {path.name for path in tmp_path.iterdir()}
    assert names(tmp_path) == ["holiday", "two"]


def test_two_that_write_the_same_at_the_same_time_keep_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1e9)
    for content in (b"one", b"other"):
        CapturedImages(CaptureFolder(tmp_path), 10**6, DAY).add(0, "same", content, b"answer")
    assert {path.read_bytes() for path in tmp_path.glob("*.jpg")} == {b"one", b"other"}
