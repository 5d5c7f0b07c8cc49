"""The front and TorchServe, as ``make up`` starts them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.images import TWO_SQUARES, encode
from tests.serving.waiting import wait_until

COMPOSE = Path(__file__).parents[2] / "docker" / "compose.yaml"
KILL_JAVA = """
import psutil

for process in psutil.process_iter():
    if process.name() == "java":
        process.kill()
"""


@pytest.fixture(scope="module")
def compose(bundle: Path) -> Iterator[Callable[..., str]]:
    """Calls ``docker compose``; everything is up."""
    variables = {**os.environ, "BUNDLE_PATH": str(bundle), "PORT": "0", "VARIANT": "cpu"}

    def call(*arguments: str) -> str:
        command = ["docker", "compose", "--project-name=umop-test", f"--file={COMPOSE}"]
        done = subprocess.run(
            [*command, *arguments], env=variables, text=True, capture_output=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    try:
        call("up", "--detach", "--wait")
        yield call
    finally:
        call("down", "--timeout=30")


def test_it_recovers_when_torchserve_dies(compose: Callable[..., str]) -> None:
    url = f"http://{compose('port', 'api', '8000')}/detect"

    def status() -> int:
        return httpx.post(url, content=encode(TWO_SQUARES), timeout=30).status_code

    assert status() == 200
    compose("exec", "torchserve", "python", "-c", KILL_JAVA)
    wait_until(lambda: status() == 503, seconds=30)
    wait_until(lambda: status() == 200, seconds=120)
