"""Checkpoints are written whole or not at all, and checked before they are used."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch

from umop.runs.checkpoints import (
    checksum_file,
    describe_checkpoint,
    is_whole,
    newest_whole,
    remove_all_but,
    replace_text,
    unreplaced,
    write_checkpoint,
)
from umop.runs.folder import RunFolder
from umop.system.errors import UserError


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with the checkpoints of iterations 1 to 3."""
    for iteration in (1, 2, 3):
        path = tmp_path / f"iter_{iteration}.pth"
        write_checkpoint(path, save(iteration))
        os.utime(path, (iteration, iteration))
        replace_text(tmp_path / "last_checkpoint", path.name)
    return RunFolder(tmp_path)


class save:  # noqa: N801
    def __init__(self, value: int) -> None:
        self.value = value

    def __call__(self, path: Path) -> None:
        torch.save({"value": self.value}, path)


class Full(save):
    """Writes to a disk that is full after some bytes."""

    def __call__(self, path: Path) -> None:
        path.write_bytes(b"some")
        raise OSError(28, "No space left on device")


def test_the_checksum_is_that_of_sha256sum(run: RunFolder) -> None:
    found = sorted(run.folder.glob("*.sha256"))
    assert len(found) == 3
    for checksums in found:
        subprocess.run(["sha256sum", "--check", checksums.name], cwd=run.folder, check=True)


def test_a_damaged_newest_one_is_named_and_the_one_before_used(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = run.folder / "iter_3.pth"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert newest_whole(run) == run.folder / "iter_2.pth"
    assert capsys.readouterr().err == f"warning: {newest} is damaged\n"
    (run.folder / "iter_2.pth").unlink()
    newest.unlink()
    assert newest_whole(run) == run.folder / "iter_1.pth"
    assert f"{newest} is gone" in capsys.readouterr().err
    (run.folder / "iter_1.pth").write_bytes(b"")
    with pytest.raises(UserError, match="no checkpoint that is whole"):
        newest_whole(run)


def test_one_without_a_checksum_is_checked_by_the_sums_inside_it(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = run.folder / "iter_3.pth"
    checksum_file(newest).unlink()
    assert newest_whole(run) == newest
    assert capsys.readouterr().err.startswith(f"warning: {newest} has no .sha256 beside it")
    content = newest.read_bytes()
    newest.write_bytes(content.replace(b"value", b"valve", 1))
    assert newest_whole(run) == run.folder / "iter_2.pth"
    assert capsys.readouterr().err == f"warning: {newest} is damaged\n"


def test_a_checksum_that_says_nothing_is_none(run: RunFolder) -> None:
    newest = run.folder / "iter_3.pth"
    checksum_file(newest).write_text(" \n")
    assert newest_whole(run) == newest


def test_an_empty_pointer_loses_no_checkpoint(run: RunFolder) -> None:
    (run.folder / "last_checkpoint").write_text("")
    assert newest_whole(run) == run.folder / "iter_3.pth"


def test_a_full_disk_leaves_the_checkpoint_of_that_name(run: RunFolder) -> None:
    path = run.folder / "iter_3.pth"
    before = sorted(run.folder.iterdir())
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(path, Full(4))
    assert sorted(run.folder.iterdir()) == before
    assert is_whole(path)
    assert torch.load(path) == {"value": 3}


def test_a_kill_between_the_renames_leaves_a_whole_one(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run.folder / "iter_3.pth"
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_checkpoint(path, save(4))
    assert is_whole(path)
    assert torch.load(path) == {"value": 3}
    write_checkpoint(path, save(4))
    assert is_whole(path)
    assert len(checksum_file(path).read_text().splitlines()) == 1


def test_the_newest_and_the_best_are_kept(run: RunFolder) -> None:
    write_checkpoint(run.folder / "best.pth", save(9))
    remove_all_but(run, 2)
    kept = sorted(path.name for path in run.folder.glob("*.pth*"))
    names = ["best.pth", "iter_2.pth", "iter_3.pth"]
    assert kept == sorted(names + [f"{name}.sha256" for name in names])


def test_the_newest_are_kept_where_the_clock_was_hours_ahead(run: RunFolder) -> None:
    for iteration in (1, 2, 3):
        os.utime(run.folder / f"iter_{iteration}.pth", (2**32, 2**32 + iteration))
    for iteration in (4, 5, 6):
        write_checkpoint(run.folder / f"iter_{iteration}.pth", save(iteration))
        remove_all_but(run, 2)
        kept = sorted(path.name for path in run.folder.glob("*.pth"))
        assert kept == [f"iter_{iteration - 1}.pth", f"iter_{iteration}.pth"]


def test_a_checkpoint_is_named(tmp_path: Path) -> None:
    best, newest = tmp_path / "best.pth", tmp_path / "iter_300.pth"
    for checkpoint, iteration in ((best, 200), (newest, 300)):
        torch.save({"meta": {"iter": iteration}}, checkpoint)
    described = "Checkpoint: best.pth, of iteration 200, which had the best AP"
    assert describe_checkpoint(best) == described
    assert describe_checkpoint(newest) == "Checkpoint: iter_300.pth, the newest"


@pytest.mark.parametrize("change", [save(4), None], ids=["replaced", "removed"])
def test_what_is_made_of_a_checkpoint_is_made_of_one(run: RunFolder, change: save | None) -> None:
    checkpoint = run.folder / "iter_3.pth"
    with unreplaced(checkpoint):
        torch.load(checkpoint)

    def train_on() -> None:
        if change:
            write_checkpoint(checkpoint, change)
        else:
            checkpoint.unlink()

    with (
        pytest.raises(UserError, match=r"iter_3\.pth was replaced while this was made of it"),
        unreplaced(checkpoint),
    ):
        train_on()
