"""``umop export`` on a machine that has neither the run nor its data: both are in storage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from serving.bundle import Bundle
from serving.storage import Store
from tests.storage import Storage, upload
from tests.umop.cli.small import SMALL
from tests.umop.conftest import Umop
from umop.runs.folder import BEST, RunFolder
from umop.runs.mirror import Mirror
from umop.runs.snapshot import Snapshot


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_a_mirrored_run_is_exported_from_an_empty_disk(
    storage: Storage, place: str, discs: Path, umop: Umop, tmp_path: Path
) -> None:
    data, runs = f"{place}/discs", f"{place}/runs"
    upload(discs, data)
    code, _, err = umop("train", "demo", "--data", data, "--run", "far", "--mirror", runs, *SMALL)
    assert code == 0, err
    shutil.rmtree("runs/far")
    shutil.rmtree(tmp_path / "cache")

    command = ("export", "far", "--mirror", runs)
    code, _, err = umop(*command)
    assert code == 2
    assert "The test data is not there" in err

    code, out, err = umop(*command, "--data", data)
    assert code == 0, err
    address = f"{runs}/far/far.bundle.zip"
    assert out.splitlines()[-1] == f"Serve it: umop-serve --bundle {address}"
    assert Bundle.open(address).manifest.name == "far"


def test_a_run_whose_best_checkpoint_is_lost_is_not_exported(
    storage: Storage, place: str, umop: Umop
) -> None:
    run = RunFolder(Path("runs/discs"))
    mirror = Mirror(run, Store(f"{place}/discs"))
    mirror.push(Snapshot.of(run, 4))
    Store(f"{place}/discs").delete([mirror.manifest.files[BEST].key(BEST)])
    shutil.rmtree(run.folder)
    code, _, err = umop("export", "discs", "--mirror", place)
    assert code == 2
    assert f"{place}/discs has no best.pth that is whole" in err


def test_a_path_of_data_is_refused(umop: Umop, discs: Path) -> None:
    code, _, err = umop("export", "discs", "--data", str(discs))
    assert code == 2
    assert f"--data takes an address in object storage, not {discs}" in err
