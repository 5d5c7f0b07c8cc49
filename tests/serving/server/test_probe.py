"""The check of a container engine, run as it runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving.running import free_ports, running
from tests.serving.waiting import wait_until


def probe(port: int, host: str = "127.0.0.1") -> int:
    environment = {**os.environ, "UMOP_HOST": host, "UMOP_PORT": str(port)}
    command = [sys.executable, "-m", "serving.server.probe"]
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode


def test_a_ready_service_passes(server: str) -> None:
    assert probe(httpx.URL(server).port or 0) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost"])
def test_it_asks_where_the_service_listens(server: str, host: str) -> None:
    assert probe(httpx.URL(server).port or 0, host) == 0


def test_a_service_on_one_address_is_asked_there(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--host", "127.0.0.2", "--allow-anonymous") as other:
        port = httpx.URL(other.url).port or 0
        assert probe(port, "127.0.0.2") == 0
        assert probe(port, "127.0.0.1") == 1


def test_no_service_fails() -> None:
    [port] = free_ports(1)
    assert probe(port) == 1


def test_a_service_that_is_stopping_fails(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--drain-delay", "3") as server:
        server.stop()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        assert probe(httpx.URL(server.url).port or 0) == 1
