"""TorchServe in its container."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.docker.containers import Container, docker, running
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.waiting import wait_until

CLIENTS = 4
COUNT_CLIENTS = """
import psutil

connections = [each for each in psutil.net_connections("tcp") if each.status == "ESTABLISHED"]
print(sum(each.laddr.port == 8080 for each in connections))
"""


def test_stopped_under_load_it_answers_what_it_took(slow_bundle: Path) -> None:
    options = ("--publish=127.0.0.1::8080", f"--volume={slow_bundle}:/models/model.bundle:ro")
    with running("torchserve", *options) as container, ThreadPoolExecutor(CLIENTS) as pool:
        wait_until(container.is_healthy, seconds=120)
        url = f"{container.url(8080)}/predictions/squares"
        image = encode(TWO_SQUARES)
        answers = [pool.submit(httpx.post, url, content=image, timeout=60) for _ in range(CLIENTS)]
        wait_until(lambda: clients(container) == CLIENTS)
        assert container.stop() == 0
        assert [each.result().status_code for each in answers] == [200] * CLIENTS


def clients(container: Container) -> int:
    return int(docker("exec", container.id, "python", "-c", COUNT_CLIENTS))
