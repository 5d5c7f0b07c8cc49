"""What ``make`` says of a machine on which the environment cannot be made."""

from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[1] / "requirements" / "check_machine.py"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with nothing in its caches; returns what changes it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CXX", "UMOP_CACHE", "XDG_CACHE_HOME", "PIP_CACHE_DIR", "PIP_NO_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    has_free(monkeypatch, 100)
    monkeypatch.setattr(shutil, "which", lambda command: f"/usr/bin/{command}")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / ".venv")])
    return monkeypatch


def has_free(check: pytest.MonkeyPatch, gigabytes: float) -> None:
    usage = SimpleNamespace(free=int(gigabytes * 10**9))
    check.setattr(shutil, "disk_usage", lambda folder: usage)


def exit_code() -> object:
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return end.value.code


def test_a_machine_with_all_it_takes(check: pytest.MonkeyPatch) -> None:
    assert exit_code() == 0


def test_another_python(check: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    check.setattr(sys, "version_info", (3, 13, 0))
    assert exit_code() == 2
    assert "is Python 3.13, and this needs 3.10, 3.11 or 3.12" in capsys.readouterr().err


def test_no_compiler(check: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    check.setattr(shutil, "which", lambda command: None)
    assert exit_code() == 2
    assert "'c++' is not found. Install one" in capsys.readouterr().err


def test_a_compiler_is_not_needed_twice(check: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check.setattr(shutil, "which", lambda command: None)
    check.setenv("UMOP_CACHE", str(tmp_path))
    wheel = tmp_path / "wheels" / "mmcv-cpu" / "mmcv.whl"
    wheel.parent.mkdir(parents=True)
    wheel.touch()
    assert exit_code() == 0


@pytest.mark.parametrize(("cache", "most"), [({}, 11.5), ({"PIP_NO_CACHE_DIR": "1"}, 8.5)])
def test_a_full_disk(
    check: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cache: dict[str, str],
    most: float,
) -> None:
    for name, value in cache.items():
        check.setenv(name, value)
    has_free(check, most + 0.2)
    assert exit_code() == 0
    has_free(check, most)
    assert exit_code() == 2
    assert f"and {most:.1f} GB are free. Make room." in capsys.readouterr().err


def test_an_environment_that_is_there_needs_no_room(
    check: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".venv").mkdir()
    has_free(check, 0.1)
    assert exit_code() == 0
