"""A run's mirror on a real S3 server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.storage import ConflictError, StorageError, Store
from serving.storage.store import _TRIES
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage
from umop.runs.checkpoints import write_checkpoint
from umop.runs.folder import RunFolder
from umop.runs.lease import Lease
from umop.runs.mirror import Mirror, Snapshot
from umop.runs.uploads import bring, mirrored
from umop.system.errors import UserError


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "here").mkdir()
    return RunFolder(tmp_path / "here" / "trees")


def save(run: RunFolder, iteration: int) -> None:
    """Does what training does when it saves."""
    run.folder.mkdir(exist_ok=True)
    content = f"weights {iteration}".encode() * 1000
    write_checkpoint(run.folder / f"iter_{iteration}.pth", lambda path: _write(path, content))
    (run.folder / "last_checkpoint").write_text(f"iter_{iteration}.pth\n")
    with run.metrics_file.open("a") as file:
        file.write(json.dumps({"iter": iteration}) + "\n")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def fresh(tmp_path: Path) -> RunFolder:
    (tmp_path / "elsewhere").mkdir()
    run = RunFolder(tmp_path / "elsewhere" / "trees")
    run.folder.mkdir()
    return run


def push(run: RunFolder, place: str, iteration: int, writer: str = "one") -> Mirror:
    mirror = Mirror(run, Store(f"{place}/trees"), writer)
    mirror.pull(iteration)
    mirror.push(Snapshot.of(run, iteration))
    return mirror


def newest(run: RunFolder) -> str:
    checkpoint = run.latest_checkpoint()
    return "" if checkpoint is None else checkpoint.name


def test_an_empty_disk_gets_what_was_mirrored(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 4)
    push(run, place, 4)
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1)
    assert {path.name: path.read_bytes() for path in elsewhere.folder.iterdir()} == {
        path.name: path.read_bytes() for path in run.folder.iterdir()
    }
    storage.forget()
    bring(elsewhere, place, 4)
    assert storage.fetched() == [f"/{place[5:]}/trees/manifest.json"]


def test_a_stop_does_not_wait_for_files_that_do_not_come(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 4)
    push(run, place, 4)
    stops = iter([True])
    storage.forget()

    def fault(method: str, path: str) -> Fault | None:
        if method != "GET" or not path.endswith("metrics.jsonl"):
            return None
        if next(stops, False):
            os.kill(os.getpid(), signal.SIGINT)
        return Fault(cut_after=0)

    storage.fault = fault
    with pytest.raises(KeyboardInterrupt):
        bring(fresh(tmp_path), place, -1)
    assert len(storage.fetched()) < 2 * _TRIES


def test_an_upload_that_is_cut_short_leaves_the_one_before(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 4)
    mirror = push(run, place, 4)
    save(run, 8)
    (run.folder / "iter_4.pth").unlink()
    storage.fault = lambda method, path: (
        Fault(status=403) if method == "PUT" and path.endswith("manifest.json") else None
    )
    with pytest.raises(StorageError):
        mirror.push(Snapshot.of(run, 8))
    storage.fault = lambda method, path: None
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1)
    assert newest(elsewhere) == "iter_4.pth"
    again = push(run, place, 8)
    again.clear()  # what was left of the upload that failed, and of the one before
    names = [each.name for each in Store(f"{place}/trees").objects("files")]
    assert len(names) == len(again.manifest.files)


def test_the_newest_whole_checkpoint_is_taken(
    storage: Storage,
    place: str,
    run: RunFolder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(run, 4)
    save(run, 8)
    mirror = push(run, place, 8)
    entry = mirror.manifest.files["iter_8.pth"]
    Store(f"{place}/trees").write(entry.key("iter_8.pth"), bytes(entry.bytes))
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1)
    assert newest(elsewhere) == "iter_4.pth"
    assert "iter_8.pth is damaged or gone" in capsys.readouterr().err


@pytest.mark.parametrize("here", [2, 8])
def test_another_run_of_the_same_name_is_neither_overwritten_nor_mirrored(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path, here: int
) -> None:
    save(run, 4)
    run.config.write_text("seed = 1")
    push(run, place, 4)
    other = fresh(tmp_path)
    save(other, here)
    other.config.write_text("seed = 2")
    with pytest.raises(UserError, match="are two runs, of different configs"):
        mirrored(other, place, lambda: here).__enter__()
    assert other.config.read_text() == "seed = 2"
    assert newest(other) == f"iter_{here}.pth"
    bring(run, place, 4)  # the run that is mirrored


def test_without_a_whole_checkpoint_the_start_is_refused(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 4)
    mirror = push(run, place, 4)
    Store(f"{place}/trees").delete([mirror.manifest.files["iter_4.pth"].key("iter_4.pth")])
    with pytest.raises(UserError, match="has no checkpoint that is whole"):
        bring(fresh(tmp_path), place, -1)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"null",
        b"\0",
        b'{"writer": "", "iteration": 4, "checkpoints": ["iter_4.pth"], "files": {}}',
        b'{"writer": "", "iteration": 4, "checkpoints": [], "files": {"../x": ["0", 1]}}',
        b'{"writer": "", "iteration": 4, "checkpoints": [], "files": {"/etc/x": ["0", 1]}}',
    ],
)
def test_a_damaged_manifest_is_refused_and_stays(
    storage: Storage, place: str, tmp_path: Path, text: bytes
) -> None:
    store = Store(f"{place}/trees")
    store.write("manifest.json", text)
    with pytest.raises(UserError, match=r"manifest\.json is damaged: name another run"):
        mirrored(fresh(tmp_path), place, lambda: -1).__enter__()
    found = store.read("manifest.json")
    assert found is not None
    assert found[0] == text


def test_a_file_that_another_command_removes_meanwhile_is_left_out(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(run, 4)
    scratch = run.folder / "exported"
    scratch.mkdir()
    (scratch / "model.onnx").touch()
    is_file = Path.is_file

    def removed(path: Path) -> bool:
        found = is_file(path)
        if path.parent == scratch:
            shutil.rmtree(scratch)
        return found

    monkeypatch.setattr(Path, "is_file", removed)
    snapshot = Snapshot.of(run, 4)
    snapshot.close()
    assert sorted(snapshot.files) == ["iter_4.pth", "iter_4.pth.sha256", "metrics.jsonl"]


def test_only_what_changed_is_uploaded(storage: Storage, place: str, run: RunFolder) -> None:
    save(run, 4)
    mirror = push(run, place, 4)
    save(run, 8)
    storage.forget()
    mirror.push(Snapshot.of(run, 8))
    written = [path for method, path in storage.requests if method == "PUT"]
    assert not [path for path in written if path.endswith("iter_4.pth")]
    assert [path for path in written if path.endswith("iter_8.pth")]


def test_a_job_that_lost_the_lease_writes_no_manifest(
    storage: Storage, place: str, run: RunFolder
) -> None:
    save(run, 4)
    slow = push(run, place, 4, "one")
    push(run, place, 4, "two")
    save(run, 8)
    with pytest.raises(ConflictError):
        slow.push(Snapshot.of(run, 8))


def test_the_second_job_says_who_trains(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_MIRROR_LEASE", "6")
    save(run, 4)
    second = mirrored(run, place, lambda: 4)
    with (
        mirrored(run, place, lambda: 4),
        pytest.raises(UserError, match=r"is being trained by process \d+ on "),
    ):
        second.__enter__()
    with mirrored(run, place, lambda: 4):
        pass  # the first gave it up


def test_a_lease_that_is_not_kept_is_taken_and_its_holder_stops(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_MIRROR_LEASE", "2")
    save(run, 4)
    goes_on = threading.Event()
    keep = Lease._keep
    with ExitStack() as held, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lease, "_keep", lambda self: goes_on.wait(30) and keep(self))  # is frozen
        frozen = held.enter_context(mirrored(run, place, lambda: 4))
        patch.setattr(Lease, "_keep", keep)
        held.enter_context(mirrored(run, place, lambda: 4))
        goes_on.set()
        wait_until(lambda: frozen._lease.is_lost)
        with pytest.raises(UserError, match="Another job has taken the mirror"):
            frozen.offer(8)
        held.pop_all()


def test_a_job_that_lost_its_mirror_does_not_write_the_save_that_still_waits(
    storage: Storage, place: str, run: RunFolder
) -> None:
    save(run, 4)
    goes_on = threading.Event()
    store = Store(f"{place}/trees")
    refused = pytest.raises(UserError, match="Another job has taken the mirror")
    with refused, mirrored(run, place, lambda: 4) as slow:
        slow.start()
        storage.fault = lambda method, path: (
            Fault(delay=float(not goes_on.wait(20))) if path.endswith("iter_8.pth") else None
        )
        for iteration in (8, 12):
            save(run, iteration)
            slow.offer(iteration)
            wait_until(lambda: slow._waiting is None or slow._iteration == 12)
        of_another = b'{"writer": "another", "iteration": 99, "checkpoints": [], "files": {}}'
        store.write("manifest.json", of_another)
        goes_on.set()
        assert slow._thread
        slow._thread.join(2)  # it ends
    found = store.read("manifest.json")
    assert found is not None
    assert found[0] == of_another


def test_one_upload_is_behind_at_most(storage: Storage, place: str, run: RunFolder) -> None:
    save(run, 0)
    goes_on = threading.Event()
    with mirrored(run, place, lambda: 0) as uploads:
        uploads.start()
        storage.forget()
        storage.fault = lambda method, path: (
            Fault(delay=float(not goes_on.wait(30))) if path.endswith("manifest.json") else None
        )
        for iteration in range(1, 7):
            save(run, iteration)
            uploads.offer(iteration)
        goes_on.set()
    written = [path for method, path in storage.requests if method == "PUT"]
    assert len([path for path in written if path.endswith("manifest.json")]) <= 3
    assert json.loads(Store(f"{place}/trees").read("manifest.json")[0])["iteration"] == 6  # type: ignore[index]


def test_the_last_upload_is_tried_again_where_storage_fails_for_a_while(
    storage: Storage, place: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umop.runs.uploads._SECONDS_BETWEEN_TRIES", 0.1)
    save(run, 4)
    failures = iter(range(_TRIES + 3))  # more than one upload outlasts
    with mirrored(run, place, lambda: 4) as uploads:
        uploads.start()
        save(run, 8)
        storage.fault = lambda method, path: (
            Fault(status=503)
            if path.endswith("manifest.json") and next(failures, None) is not None
            else None
        )
    found = Store(f"{place}/trees").read("manifest.json")
    assert found is not None
    assert "iter_8.pth" in json.loads(found[0])["checkpoints"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///tmp/runs", "--mirror must be an address in object storage"),
        ("https://host/runs", "--mirror must be an address in object storage"),
        ("runs", "is not known here"),
        ("s3://no-such-bucket/runs", "404 NoSuchBucket"),
    ],
)
def test_a_bad_mirror_is_said_before_training(
    storage: Storage, run: RunFolder, address: str, said: str
) -> None:
    run.folder.mkdir()
    with pytest.raises(UserError, match=said):
        mirrored(run, address, lambda: -1).__enter__()
