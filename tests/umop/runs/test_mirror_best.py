"""The best checkpoint of a mirror: no other is taken in its place, whatever happens to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from serving.storage import Store
from tests.storage import Fault, Storage
from tests.umop.runs.mirroring import contents, fresh, newest, push, save
from umop.runs.checkpoints import checksum_file, is_whole, iteration_of, write_checkpoint
from umop.runs.folder import BEST, RunFolder
from umop.runs.mirror import Mirror
from umop.runs.snapshot import Snapshot
from umop.runs.uploads import bring
from umop.system.errors import FetchError, UserError


def save_best(run: RunFolder, iteration: int) -> None:
    run.folder.mkdir(exist_ok=True)
    write_checkpoint(run.best, lambda path: torch.save({"meta": {"iter": iteration}}, path))


def lose_best(mirror: Mirror, place: str) -> None:
    Store(f"{place}/trees").delete([mirror.manifest.files[BEST].key(BEST)])


@pytest.fixture
def mirror(storage: Storage, place: str, run: RunFolder) -> Mirror:
    """Of a run of eight iterations, whose best was the fourth."""
    save_best(run, 4)
    save(run, 8)
    return push(run, place, 8)


@pytest.mark.parametrize("here", [-1, 2])
def test_a_lost_best_is_refused_where_it_is_needed_and_nothing_changes(
    place: str, mirror: Mirror, tmp_path: Path, here: int
) -> None:
    elsewhere = fresh(tmp_path)
    if here > 0:
        save(elsewhere, here)
        save_best(elsewhere, here)
    before = contents(elsewhere)
    lose_best(mirror, place)
    for _ in range(2):
        with pytest.raises(UserError, match=r"has no best\.pth that is whole"):
            bring(elsewhere, place, here, needs_best=True)
        assert contents(elsewhere) == before


def test_training_goes_on_without_a_lost_best_and_keeps_no_older_one(
    place: str, mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = fresh(tmp_path)
    save(elsewhere, 2)
    save_best(elsewhere, 2)
    lose_best(mirror, place)
    bring(elsewhere, place, 2)
    assert newest(elsewhere) == "iter_8.pth"
    assert not elsewhere.best.exists()
    assert not checksum_file(elsewhere.best).exists()
    assert f"{elsewhere.folder} goes on without its best.pth" in capsys.readouterr().err


def test_an_older_best_goes_where_the_mirror_has_none(
    storage: Storage, place: str, run: RunFolder, tmp_path: Path
) -> None:
    save(run, 8)
    push(run, place, 8)
    elsewhere = fresh(tmp_path)
    save(elsewhere, 2)
    save_best(elsewhere, 2)
    older = elsewhere.best.read_bytes()
    bring(elsewhere, place, 2)
    assert newest(elsewhere) == "iter_8.pth"
    assert not elsewhere.best.exists()
    assert (elsewhere.folder / ".best.pth.before").read_bytes() == older


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("needs_best", [False, True])
def test_a_best_that_training_replaces_meanwhile_is_the_new_one(
    storage: Storage,
    place: str,
    run: RunFolder,
    mirror: Mirror,
    tmp_path: Path,
    method: str,
    needs_best: bool,
) -> None:
    moments = iter([True])

    def fault(used: str, path: str) -> None:
        if used == method and path.endswith(BEST) and next(moments, False):
            save_best(run, 12)
            save(run, 12)
            mirror.push(Snapshot.of(run, 12))

    storage.fault = fault
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1, needs_best)
    assert newest(elsewhere) == "iter_12.pth"
    assert elsewhere.best.read_bytes() == run.best.read_bytes()
    assert checksum_file(elsewhere.best).read_text() == checksum_file(run.best).read_text()


def test_a_mirror_that_changes_faster_than_it_is_fetched_may_be_had_later(
    storage: Storage, place: str, mirror: Mirror, tmp_path: Path
) -> None:
    store = Store(f"{place}/trees")
    found = store.read("manifest.json")
    assert found is not None
    texts = [found[0]]

    def fault(method: str, path: str) -> Fault | None:
        if not path.endswith(BEST):
            return None
        texts.append(texts[-1] + b" ")
        store.write("manifest.json", texts[-1])
        return Fault(status=404)

    storage.fault = fault
    with pytest.raises(FetchError, match="was changed 5 times while it was fetched"):
        bring(fresh(tmp_path), place, -1, needs_best=True)


def test_a_best_of_an_evaluation_since_is_taken_at_the_same_iteration(
    place: str, run: RunFolder, mirror: Mirror, tmp_path: Path
) -> None:
    elsewhere = fresh(tmp_path)
    bring(elsewhere, place, -1, needs_best=True)
    save_best(run, 8)
    mirror.push(Snapshot.of(run, 8))
    bring(elsewhere, place, 8, needs_best=True)
    assert contents(elsewhere) == contents(run)


def test_a_best_that_is_not_uploaded_yet_stays(place: str, run: RunFolder, mirror: Mirror) -> None:
    save_best(run, 8)
    before = contents(run)
    bring(run, place, 8, needs_best=True)
    assert iteration_of(run.best) == 8
    assert contents(run) == before


def test_a_best_here_does_where_the_mirrors_is_lost(
    place: str, run: RunFolder, mirror: Mirror
) -> None:
    save_best(run, 8)
    before = contents(run)
    lose_best(mirror, place)
    bring(run, place, 8, needs_best=True)
    assert contents(run) == before


def test_a_checksum_that_is_lost_leaves_none_of_an_older_best(
    place: str, mirror: Mirror, tmp_path: Path
) -> None:
    elsewhere = fresh(tmp_path)
    save(elsewhere, 2)
    save_best(elsewhere, 2)
    name = checksum_file(elsewhere.best).name
    Store(f"{place}/trees").delete([mirror.manifest.files[name].key(name)])
    bring(elsewhere, place, 2)
    assert iteration_of(elsewhere.best) == 4
    assert is_whole(elsewhere.best)
