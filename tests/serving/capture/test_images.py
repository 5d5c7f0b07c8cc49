"""Captured images are bounded in bytes and age, and other files are left as they are."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from serving.capture.folder import CaptureFolder
from serving.capture.images import CapturedImages
from serving.capture.kept import kept_images

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
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=11, most_seconds=DAY)
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


def test_an_image_larger_than_all_may_be_drops_nothing(tmp_path: Path) -> None:
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=100, most_seconds=DAY)
    assert images.add(0, "small", bytes(50), bytes(10))
    assert not images.add(1, "large", bytes(91), bytes(10))
    assert names(tmp_path) == ["small"]


@pytest.mark.parametrize("failing", [".jpg", ".json"])
def test_nothing_is_left_where_one_of_both_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    write = CaptureFolder.write

    def cut_short(folder: CaptureFolder, name: str, content: bytes) -> None:
        write(folder, name, content)
        if name.endswith(failing):
            raise OSError(28, "No space left on device")

    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=10**6, most_seconds=DAY)
    with monkeypatch.context() as patch:
        patch.setattr(CaptureFolder, "write", cut_short)
        with pytest.raises(OSError, match="No space left"):
            images.add(0, "first", b"image", b"answer")
    assert list(tmp_path.iterdir()) == []
    assert not images.has_alike(0)


def test_an_image_without_its_answer_takes_space_and_is_like_none(tmp_path: Path) -> None:
    CapturedImages(CaptureFolder(tmp_path), 10**6, DAY).add(0, "killed", bytes(60), b"answer")
    next(tmp_path.glob("*.json")).unlink()
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=100, most_seconds=DAY)
    assert not images.has_alike(0)
    images.add(0, "again", bytes(60), b"answer")
    assert images.has_alike(0)
    assert names(tmp_path) == ["again"]


def test_a_folder_is_listed_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Path] = []
    scandir = os.scandir

    def counted(path: Path) -> Iterator[os.DirEntry[str]]:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr("serving.capture.folder.os.scandir", counted)
    here, there = (CapturedImages(CaptureFolder(tmp_path), 10**6, DAY) for _ in range(2))
    for number in range(10):
        assert not here.has_alike(0b11111 << 5 * number)
        here.add(0b11111 << 5 * number, "mine", b"image", b"answer")
    assert len(listed) == 1
    there.add(2**64 - 1, "theirs", b"image", b"answer")
    assert not here.has_alike(2**64 - 1)
    monkeypatch.setattr("serving.capture.images.monotonic", lambda: monotonic() + 61)
    assert here.has_alike(2**64 - 1)


def test_requests_have_their_turn_while_a_folder_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    for number in range(600):
        (tmp_path / f"{number:013d}-{number:016x}-w-r.jpg").touch()
    monkeypatch.setattr("serving.capture.kept.sleep", pauses.append)
    CapturedImages(CaptureFolder(tmp_path), 10**6, DAY).has_alike(0)
    assert len(pauses) >= 2


def test_what_is_known_of_images_is_nothing_for_the_garbage_collector() -> None:
    names = [(f"{number:013d}-{number:016x}-w-r.jpg", 1) for number in range(2000)]
    before = len(gc.get_objects())
    known = kept_images(names)
    assert known.size == 2000
    assert len(gc.get_objects()) - before < 200


def test_images_are_bounded_in_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.capture.kept._MOST_IMAGES", 2)
    images = CapturedImages(CaptureFolder(tmp_path), most_bytes=10**6, most_seconds=DAY)
    for second in range(4):
        at(monkeypatch, 1e9 + second)
        images.add(second, f"r{second}", b"image", b"answer")
    assert names(tmp_path) == ["r2", "r3"]
    assert not images.has_alike(2**64 - 1)
