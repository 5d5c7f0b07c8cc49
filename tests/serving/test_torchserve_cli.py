"""Mistakes in starting TorchServe are one line and exit code 2."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.archive import write_archive

COMMAND = [sys.executable, "-m", "serving", "torchserve"]


def test_a_missing_archive(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, str(tmp_path / "x.mar")], capture_output=True, text=True)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.endswith("x.mar: no such archive; make it with: umop archive RUN")


def test_a_port_that_is_taken(bundle_path: Path, tmp_path: Path) -> None:
    archive = write_archive(bundle_path, tmp_path / "x.mar")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, str(archive), "--port", port], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"umop-serve: port {port} is taken"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--log-level", "--port"])
def test_a_wrong_option(tmp_path: Path, option: str) -> None:
    done = subprocess.run([*COMMAND, "x.mar", option, "much"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
