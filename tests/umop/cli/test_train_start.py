"""The checkpoint that a config's training starts from."""

from __future__ import annotations

from pathlib import Path

from tests.umop.cli.small import SMALL
from tests.umop.conftest import Umop
from umop.runs.folder import RunFolder

GONE = "/gone/start.pth"


def test_a_start_that_is_not_there_is_refused_and_leaves_no_folder(umop: Umop, discs: Path) -> None:
    command = ("train", "demo", "--run", "new", "--data", str(discs), *SMALL)
    code, _, err = umop(*command, "--set", f"load_from={GONE}")
    assert code == 2
    assert f"load_from is '{GONE}', and there is no such file" in err
    assert not Path("runs/new").exists()


def test_a_run_that_has_checkpoints_needs_its_start_no_longer(umop: Umop, discs: Path) -> None:
    run = RunFolder.named("discs")
    written = run.config.read_text()
    run.config.write_text(written.replace("load_from = None", f"load_from = {GONE!r}"))
    assert run.config.read_text() != written
    command = ("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    code, out, err = umop(*command, "--set", f"load_from={GONE}")
    assert code == 0, err
    assert "runs/discs/iter_4.pth" in out
