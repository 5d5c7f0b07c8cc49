"""What the tests of the command share: a folder with a run that it has trained."""

from __future__ import annotations

import io
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.umop.cli.small import SMALL
from umop.cli import main


class Trained(NamedTuple):
    """A folder to work in with the run ``discs``, and what training it printed."""

    folder: Path
    out: str
    err: str


@pytest.fixture(scope="session")
def trained(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    command = ["umop", "train", "demo", "--run", "discs", "--data", str(discs), *SMALL]
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code, err.getvalue()
    return Trained(folder, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def workplace(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that folder, for the tests of one file."""
    folder = tmp_path_factory.mktemp("workplace")
    shutil.copytree(trained.folder, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def _in_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
