"""What is brought from a real S3 server, and what that server's faults do to it."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from serving.storage import ConflictError, Objects, StorageError, Store, fetch, receive_object
from serving.storage.fetch import _CONNECTIONS, _TRIES
from serving.storage.store import _CLIENT
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage

MANY = 300
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def fill(storage: Storage, place: str, count: int) -> Store:
    with storage.direct():
        writer = Store(place)
        for number in range(count):
            writer.write(f"{number % 7}/{number}.bin", random.Random(number).randbytes(100))
    return Store(place)


def brought(store: Store, folder: Path) -> list[str]:
    return [each.name for each in fetch(Objects(store, store.objects()), folder)]


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_second_start_moves_no_byte_of_many_small_files(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = fill(storage, place, MANY)
    assert len(brought(store, tmp_path / "a" / "files")) == MANY
    assert content(tmp_path / "a" / "files") == {
        f"{n % 7}/{n}.bin": random.Random(n).randbytes(100) for n in range(MANY)
    }
    storage.forget()
    assert brought(store, tmp_path / "a" / "files") == []
    assert storage.fetched() == []


def test_only_what_changed_is_brought_and_what_is_gone_goes(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = fill(storage, place, 20)
    brought(store, tmp_path / "a" / "files")
    store.write("3/3.bin", bytes(100))  # as long as it was
    store.delete(["4/4.bin"])
    (tmp_path / "a" / "files" / "5" / "5.bin").write_bytes(b"touched")
    assert brought(store, tmp_path / "a" / "files") == ["3/3.bin", "5/5.bin"]
    found = content(tmp_path / "a" / "files")
    assert found["3/3.bin"] == bytes(100)
    assert found["5/5.bin"] == random.Random(5).randbytes(100)
    assert "4/4.bin" not in found


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_now_and_then_delays_and_no_more(
    storage: Storage, place: str, tmp_path: Path, status: int
) -> None:
    store = fill(storage, place, 20)
    seen: Counter[str] = Counter()

    def fault(method: str, path: str) -> Fault | None:
        seen[path] += 1
        return Fault(status=status) if method == "GET" and seen[path] == 1 else None

    storage.fault = fault
    assert len(brought(store, tmp_path / "a" / "files")) == 20


def test_a_transfer_that_is_cut_goes_on_where_it_broke_off(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = Store(place)
    whole = os.urandom(5_000_000)
    store.write("large.bin", whole)
    storage.forget()
    cuts = iter([1_500_000, 0, 2_000_000])
    storage.fault = lambda method, path: (
        Fault(cut_after=next(cuts, None)) if path.endswith("large.bin") else None
    )
    assert brought(store, tmp_path / "a" / "files") == ["large.bin"]
    assert content(tmp_path / "a" / "files") == {"large.bin": whole}
    assert storage.moved < 5_100_000


def test_what_came_before_needs_no_space_again(
    storage: Storage, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(receive_object.__globals__, "_TRIES", 1)
    store = Store(place)
    whole = os.urandom(12_000_000)
    store.write("large.bin", whole)
    storage.fault = lambda method, path: (
        Fault(cut_after=10_000_000, gives_parts=False) if path.endswith("large.bin") else None
    )
    with pytest.raises(StorageError):
        brought(store, tmp_path / "a" / "files")
    storage.fault = lambda method, path: None
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4_000_000))
    assert brought(store, tmp_path / "a" / "files") == ["large.bin"]
    assert content(tmp_path / "a" / "files") == {"large.bin": whole}


def test_too_little_space_is_of_this_machine_only(
    storage: Storage, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fill(storage, place, 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=99))
    with pytest.raises(StorageError, match=r"100 bytes are to be .* UMOP_CACHE") as refused:
        brought(store, tmp_path / "a" / "files")
    assert refused.value.is_temporary


def test_a_server_that_gives_no_parts_is_asked_for_the_whole(
    storage: Storage, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(place)
    whole = os.urandom(5_000_000)
    store.write("large.bin", whole)
    monkeypatch.setattr("serving.storage.store._PART_BYTES", 1_000_000)
    cuts = iter([2_500_000])
    storage.fault = lambda method, path: (
        Fault(cut_after=next(cuts, None), gives_parts=False) if path.endswith("large.bin") else None
    )
    assert brought(store, tmp_path / "a" / "files") == ["large.bin"]
    assert content(tmp_path / "a" / "files") == {"large.bin": whole}


def test_an_upload_may_take_longer_than_an_answer(
    storage: Storage, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_CLIENT, "read_timeout", "1s")
    storage.fault = lambda method, path: Fault(delay=1.5)  # as where the line is slow
    Store(place).write("large.bin", b"weights")
    assert [method for method, _ in storage.requests] == ["PUT"]


def test_a_killed_fetch_leaves_what_came_to_the_next(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = Store(place)
    whole = os.urandom(16_000_000)
    store.write("large.bin", whole)
    storage.forget()
    storage.fault = lambda method, path: (
        Fault(stall_after=10_000_000) if path.endswith("large.bin") else None
    )
    script = """
import sys
from pathlib import Path
from serving.storage import Objects, Store, fetch
store = Store(sys.argv[1])
fetch(Objects(store, store.objects()), Path(sys.argv[2]))
"""
    folder = tmp_path / "a" / "files"
    process = subprocess.Popen([sys.executable, "-c", script, place, str(folder)])
    wait_until(lambda: sum(part.stat().st_size for part in tmp_path.rglob("*.parts/*")) > 8 * 10**6)
    process.kill()
    process.wait()
    storage.fault = lambda method, path: None
    storage.forget()
    assert brought(store, folder) == ["large.bin"]
    assert content(folder) == {"large.bin": whole}
    assert storage.moved < 8_000_000


def test_objects_are_asked_for_beside_each_other(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = fill(storage, place, _CONNECTIONS)
    together = threading.Barrier(_CONNECTIONS, timeout=20)  # which fewer would break

    def fault(method: str, path: str) -> Fault | None:
        if method == "GET" and path.endswith(".bin"):
            together.wait()
        return None

    storage.fault = fault
    assert len(brought(store, tmp_path / "a" / "files")) == _CONNECTIONS
    assert not together.broken


def test_an_object_that_changes_between_list_and_fetch_is_refused(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = fill(storage, place, 1)
    objects = Objects(store, store.objects())
    store.write("0/0.bin", bytes(100))
    with pytest.raises(ConflictError, match=r"0/0\.bin: it was changed while it was fetched"):
        fetch(objects, tmp_path / "a" / "files")


def test_a_name_that_would_leave_the_folder_is_refused(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    [found] = fill(storage, place, 1).objects()
    for name in ("../x", "/x", "a/../../x", "a//x"):
        evil = type(found)(name, found.size, found.etag, found.modified)
        with pytest.raises(StorageError, match="cannot be a file's"):
            fetch(Objects(Store(place), [evil]), tmp_path / "a" / "files")


def test_what_nobody_waits_for_any_more_is_not_asked_for_again(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store, over, part = Store(place), threading.Event(), tmp_path / "part"
    store.write("large.bin", bytes(5_000_000))
    [wanted] = store.objects()
    part.touch()
    storage.forget()

    storage.fault = lambda method, path: over.set()
    with pytest.raises(StorageError, match=r"large\.bin: was left at byte 0"):
        receive_object(store, wanted, part, over)
    assert len(storage.fetched()) == 1


def test_an_object_that_keeps_ending_early_is_given_up(
    storage: Storage, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(receive_object.__globals__, "_FIRST_PAUSE", 0.001)
    store = Store(place)
    store.write("large.bin", bytes(1000))
    storage.forget()
    faults = (Fault(cut_after=each, ends_early=True) for each in [400, 400] + 20 * [0])
    storage.fault = lambda method, path: (
        next(faults, Fault(status=403)) if path.endswith("large.bin") else None
    )
    with pytest.raises(StorageError, match=r"large\.bin: it broke off after 800 of 1000 bytes"):
        brought(store, tmp_path / "a" / "files")
    assert len(storage.fetched()) == 2 + _TRIES


def test_a_cache_that_cannot_be_written_is_one_clear_line(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    store = fill(storage, place, 1)
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written: Not a directory") as refused:
        fetch(Objects(store, store.objects()), tmp_path / "cache" / "a" / "files")
    assert not refused.value.is_temporary


def test_a_full_disk_may_have_room_elsewhere(
    storage: Storage, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = fill(storage, place, 1)
    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(StorageError, match="cannot be written: No space left") as refused:
        fetch(Objects(store, store.objects()), tmp_path / "cache" / "a" / "files")
    assert refused.value.is_temporary


def test_clocks_do_not_decide_what_is_brought(storage: Storage, place: str, tmp_path: Path) -> None:
    store = fill(storage, place, 5)
    hours = iter(range(-1000, 1000, 7))
    storage.fault = lambda method, path: Fault(modified=NOON + timedelta(hours=next(hours)))
    assert len(brought(store, tmp_path / "a" / "files")) == 5
    assert brought(store, tmp_path / "a" / "files") == []
    store.write("3/3.bin", bytes(100))
    assert brought(store, tmp_path / "a" / "files") == ["3/3.bin"]
