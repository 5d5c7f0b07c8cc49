"""What the operating system gives, and what happens where it gives little."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from serving.observability.metrics import SHARED_FOLDER
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import COMMAND, running
from tests.serving.waiting import wait_until

PNG = encode(TWO_SQUARES)


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """Lowers the limit that processes started from here may use, not the most they may ask for."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_of_descriptors_is_raised(bundle_path: Path, few_descriptors: None) -> None:
    with running("--bundle", str(bundle_path)) as server, ExitStack() as held:
        url = httpx.URL(server.url)
        for _ in range(200):
            held.enter_context(socket.create_connection((url.host, url.port or 80)))
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
        assert int(limits.split("Max open files")[1].split()[0]) >= 1000 + 96


def test_too_few_descriptors_are_said_at_the_start(bundle_path: Path) -> None:
    start = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); "
    command = [sys.executable, "-c", start + COMMAND[2], "--bundle", str(bundle_path)]
    done = subprocess.run([*command, "--port", "0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "1000 connections need 1112 file descriptors and 64 are allowed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_descriptors_that_just_suffice_are_never_used_up(bundle_path: Path) -> None:
    start = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (180, 180)); "
    command = [sys.executable, "-c", start + COMMAND[2], "--bundle", str(bundle_path)]
    options = ("--port", "0", "--max-connections", "64", "--threads", "1")
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *options], stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        url = httpx.URL(process.stdout.readline().split()[-1])
        with ExitStack() as held:
            for _ in range(150):
                held.enter_context(socket.create_connection((url.host, url.port or 80)))
            wait_until(lambda: is_alive(url))
        wait_until(lambda: is_alive(url))
        process.terminate()
        assert "Traceback" not in process.communicate(timeout=30)[1]


def is_alive(url: httpx.URL) -> bool:
    try:
        return httpx.get(url.join("/healthz"), timeout=1).status_code in {200, 503}
    except httpx.TransportError:
        return False


SPACE = """
import os
from serving.observability.metrics import Metrics, MetricsError
try:
    Metrics()
except MetricsError as error:
    print(error)
else:
    print(sum(os.stat(each).st_blocks * 512 for each in os.scandir(os.environ["%s"])))
"""


def metrics_in(folder: Path, *, largest_file: int | None = None) -> str:
    limit = "" if largest_file is None else f"ulimit -f {largest_file // 1024}; trap '' XFSZ; "
    command = ["bash", "-c", f'{limit}exec "$0" "$@"', sys.executable, "-c", SPACE % SHARED_FOLDER]
    variables = {**os.environ, SHARED_FOLDER: str(folder)}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_workers_metrics_have_their_space_before_they_are_mapped(tmp_path: Path) -> None:
    assert int(metrics_in(tmp_path)) >= 4 * 2**18


def test_metrics_without_space_are_an_error_not_a_signal(tmp_path: Path) -> None:
    assert "need some space in" in metrics_in(tmp_path, largest_file=4096)
    assert list(tmp_path.iterdir()) == []  # else the other workers would read an empty file


@pytest.mark.slow
def test_a_form_needs_no_disk(bundle_path: Path, tmp_path: Path) -> None:
    """A folder that nobody can write to, for as good as a full disk."""
    large = PNG + bytes(3 * 2**20)
    missing = {"TMPDIR": "/proc", "TEMP": "/proc", "TMP": "/proc"}
    with running("--bundle", str(bundle_path), **missing) as server:
        answer = httpx.post(f"{server.url}/detect", files={"file": large}, timeout=30)
    assert answer.status_code == 200


@pytest.mark.slow
def test_an_answer_that_nobody_takes_is_cut_off(bundle_path: Path) -> None:
    options = ("--write-timeout", "0.5", "--max-connections", "8")
    head = f"POST /detect?format=png HTTP/1.1\r\nHost: x\r\nContent-Length: {len(NOISE)}\r\n\r\n"
    with running("--bundle", str(bundle_path), *options) as server, ExitStack() as held:
        url = httpx.URL(server.url)
        for _ in range(8):
            raw = held.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect((url.host, url.port or 80))
            raw.sendall(head.encode() + NOISE)
        wait_until(lambda: is_ready(url), seconds=60)


def is_ready(url: httpx.URL) -> bool:
    try:
        return httpx.get(url.join("/readyz"), timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def _noise() -> bytes:
    import numpy as np

    return encode(np.random.default_rng(0).integers(0, 255, (1500, 1500, 3)).astype(np.uint8))


NOISE = _noise()
