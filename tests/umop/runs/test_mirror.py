"""A run's mirror on a real S3 server."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from serving.storage import ConflictError, StorageError, Store
from serving.storage.store import _TRIES
from tests.storage import Fault, Storage
from tests.umop.runs.mirroring import contents, fresh, newest, push, save
from umop.runs.checkpoints import checksum_file
from umop.runs.folder import BEST, RunFolder
from umop.runs.snapshot import Snapshot
from umop.runs.uploads import bring, mirrored
from umop.system.errors import UserError


def test_an_empty_disk_gets_what_was_mirrored(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 4)
    push(run, place, 4)
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1)
    assert contents(elsewhere) == contents(run)
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


def test_a_checksum_is_left_out_with_its_checkpoint(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 4)
    shutil.copyfile(run.folder / "iter_4.pth", run.folder / BEST)
    shutil.copyfile(checksum_file(run.folder / "iter_4.pth"), checksum_file(run.folder / BEST))
    mirror = push(run, place, 4)
    Store(f"{place}/trees").delete([mirror.manifest.files[BEST].key(BEST)])
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1)
    assert newest(elsewhere) == "iter_4.pth"
    assert not checksum_file(elsewhere.folder / BEST).exists()


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
