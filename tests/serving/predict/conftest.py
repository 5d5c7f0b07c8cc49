"""The command, and what it is tried on."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.serving.images import TWO_SQUARES, encode, paint
from umop.cli import main

Predict = Callable[..., tuple[int, str, str]]


@pytest.fixture
def predict(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Predict:
    """Runs ``umop predict`` with the squares bundle; returns exit code, stdout and stderr."""

    def run(
        *arguments: str | Path, model: str | Path = bundle_path, stdin: bytes = b""
    ) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["umop", "predict", str(model), *map(str, arguments)])
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capfd.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with ``images/two.png`` and ``images/inside/none.jpg``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images" / "inside").mkdir(parents=True)
    (tmp_path / "images" / "two.png").write_bytes(encode(TWO_SQUARES))
    (tmp_path / "images" / "inside" / "none.jpg").write_bytes(encode(paint(100, 80), "JPEG"))
    (tmp_path / "images" / "notes.txt").write_text("no image")
    return tmp_path
