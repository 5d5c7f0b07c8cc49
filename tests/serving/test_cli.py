from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from serving.cli import app
from serving.settings import Settings
from tests.serving.pictures import TWO_SQUARES, encode

COMMAND = [sys.executable, "-c", "from serving.cli import main; main()"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


def assert_one_line(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert all(word in line for word in words), line


def test_it_serves_on_a_free_port_and_stops_on_sigterm(bundle_path: Path) -> None:
    command = [*COMMAND, "--bundle", str(bundle_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        line = server.stdout.readline()
        match = re.fullmatch(r"serving squares on (http://127\.0\.0\.1:\d+)\n", line)
        assert match, line
        answer = httpx.post(f"{match[1]}/detect", content=encode(TWO_SQUARES))
        assert answer.status_code == 200
        assert answer.json()["detections"]
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) in (0, -signal.SIGTERM)


def test_a_wrong_path_is_one_line() -> None:
    assert_one_line(run("--bundle", "nowhere.bundle", "--port", "0"), "nowhere.bundle: no such")


def test_no_bundle_is_one_line() -> None:
    assert_one_line(run("--port", "0"), "--bundle", "UMOP_BUNDLE")


def test_a_port_in_use_is_one_line(bundle_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("--bundle", str(bundle_path), "--port", port)
    assert_one_line(result, f"127.0.0.1:{port}", "in use")


def test_tracing_without_its_extra_is_one_line(bundle_path: Path) -> None:
    without = "import sys; sys.modules['opentelemetry.sdk'] = None; "
    command = [sys.executable, "-c", without + COMMAND[-1], "--port", "0", "--tracing"]
    command += ["--bundle", str(bundle_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert_one_line(result, "umop[tracing]")


def test_a_value_out_of_range_is_one_line(bundle_path: Path) -> None:
    result = run("--bundle", str(bundle_path), "--max-queue", "0")
    assert_one_line(result, "max_queue", "greater than 0")


def test_help_shows_every_setting_with_its_variable_and_default() -> None:
    page = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["--help"]).output
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in page
        assert f"UMOP_{name.upper()}" in page
        if field.default not in (None, (), True, False):
            assert f"[default: {field.default}]" in page, name


def test_a_variable_sets_what_no_option_does(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, "UMOP_BUNDLE": str(bundle_path), "UMOP_MAX_PIXELS": "-1"}
    result = subprocess.run(COMMAND, capture_output=True, text=True, env=environment, timeout=60)
    assert_one_line(result, "max_pixels")
