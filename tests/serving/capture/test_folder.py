"""The folder of captured images is bounded, and leaves other files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.capture.folder import CaptureFolder

DAY = 86_400.0


def names(folder: Path) -> list[str]:
    return sorted(path.name.partition("-")[2] for path in folder.glob("*.jpg"))


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CaptureFolder(tmp_path, most_bytes=250, most_seconds=DAY)
    for second in range(4):
        monkeypatch.setattr("serving.capture.folder.time", lambda now=second: 1e9 + now)
        folder.add(second, f"r{second}", bytes(90), bytes(10))
    assert names(tmp_path) == ["0000000000000002-r2.jpg", "0000000000000003-r3.jpg"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 200


def test_what_is_too_old_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CaptureFolder(tmp_path, most_bytes=10**6, most_seconds=DAY)
    for now, request in ((1e9, "old"), (1e9 + 0.9 * DAY, "young"), (1e9 + 1.1 * DAY, "new")):
        monkeypatch.setattr("serving.capture.folder.time", lambda now=now: now)
        folder.add(0, request, b"image", b"answer")
    assert names(tmp_path) == ["0000000000000000-new.jpg", "0000000000000000-young.jpg"]


def test_an_image_that_looks_like_one_is_found(tmp_path: Path) -> None:
    folder = CaptureFolder(tmp_path, most_bytes=10**6, most_seconds=DAY)
    folder.add(0xFF00FF00FF00FF00, "first", b"image", b"answer")
    assert folder.has_alike(0xFF00FF00FF00FF07)
    assert not folder.has_alike(0xFF00FF00FF00F0F8)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "holiday.jpg").write_bytes(bytes(1000))
    folder = CaptureFolder(tmp_path, most_bytes=1, most_seconds=DAY)
    folder.add(0, "one", b"image", b"answer")
    folder.add(~0 & (2**64 - 1), "two", b"image", b"answer")
    assert {"notes.json", "holiday.jpg"} <= {path.name for path in tmp_path.iterdir()}
    assert len(list(tmp_path.glob("*-two.jpg"))) == 1
    assert not list(tmp_path.glob("*-one.*"))
