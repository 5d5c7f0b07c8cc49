"""The service is started with options and variables, and says in one line what is wrong."""

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

from serving.settings import Settings
from tests.serving.command import COMMAND, assert_one_line, run
from tests.serving.images import TWO_SQUARES, encode


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
        assert server.wait(10) == 0


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


def test_a_limit_of_gpu_memory_that_the_engine_cannot_hold_is_one_line(bundle_path: Path) -> None:
    result = run("--bundle", str(bundle_path), "--engine", "torch", "--gpu-memory", "1000000000")
    assert_one_line(result, "gpu_memory", "onnxruntime")


@pytest.mark.parametrize("exposed", ["metrics", "docs"])
def test_what_is_internal_needs_a_port(exposed: str, bundle_path: Path) -> None:
    result = run("--bundle", str(bundle_path), "--port", "0", f"--{exposed}", "internal")
    assert_one_line(result, exposed, "UMOP_INTERNAL_PORT")


def test_help_shows_every_setting_with_its_variable_and_default() -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    command = [*COMMAND, "--help"]
    page = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert max(map(len, page.stdout.splitlines())) <= 80
    entries = {
        entry.split()[0]: " ".join(entry.split()) for entry in page.stdout.split("\n  --")[1:]
    }
    shown_fields = {name: each for name, each in Settings.model_fields.items() if each.repr}
    for name, field in shown_fields.items():
        default = "none" if field.default in (None, ()) else str(field.default)
        default = default.lower() if isinstance(field.default, bool) else default
        shown = f"[env var: UMOP_{name.upper()}; default: {default}]"
        assert shown in entries[name.replace("_", "-")], name


def test_a_variable_sets_what_no_option_does(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, "UMOP_BUNDLE": str(bundle_path), "UMOP_MAX_PIXELS": "-1"}
    result = subprocess.run(COMMAND, capture_output=True, text=True, env=environment, timeout=60)
    assert_one_line(result, "max_pixels")
