"""The check of a container engine, run as it runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.serving.running import free_ports, running
from tests.serving.waiting import wait_until


def probe(port: int) -> int:
    environment = {**os.environ, "UMOP_PORT": str(port)}
    command = [sys.executable, "-m", "serving.server.probe"]
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode


def test_a_ready_service_passes(server: str) -> None:
    assert probe(httpx.URL(server).port or 0) == 0


def test_no_service_fails() -> None:
    [port] = free_ports(1)
    assert probe(port) == 1


def test_a_service_that_is_stopping_fails(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--drain-delay", "3") as server:
        server.stop()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        assert probe(httpx.URL(server.url).port or 0) == 1
