"""Answers that a client takes slowly, or not at all."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from tests.serving.images import encode
from tests.serving.problems import assert_problem
from tests.serving.running import RunningServer, running
from tests.serving.waiting import wait_until

NOISE = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
JPEG = encode(NOISE, "JPEG", quality=8)
DRAWN = "/detect?format=png&max_detections=1"
"""The answer has some 6 MB, more than the sockets' buffers hold."""


@contextmanager
def asked(server: RunningServer) -> Iterator[socket.socket]:
    """A connection whose answer has begun, and of which nothing is taken."""
    url = httpx.URL(server.url)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        raw.settimeout(30)
        raw.connect((url.host, url.port or 80))
        head = f"POST {DRAWN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        raw.sendall(f"{head}Content-Length: {len(JPEG)}\r\n\r\n".encode() + JPEG)
        assert raw.recv(500, socket.MSG_PEEK).startswith(b"HTTP/1.1 200")
        yield raw


def test_answers_that_wait_are_counted_and_only_large_ones_refused(bundle_path: Path) -> None:
    options = ("--max-queue", "2", "--max-body-bytes", "2000000")
    with running("--bundle", str(bundle_path), *options) as server:
        with asked(server) as raw:
            refused = httpx.post(server.url + DRAWN, content=JPEG, timeout=30)
            assert_problem(refused, 503, "overloaded")
            assert "large answers" in refused.json()["detail"]
            assert server.detect(JPEG).status_code == 200
            while raw.recv(2**20):
                pass
        wait_until(lambda: server_draws(server))


def test_the_image_of_an_answer_that_waits_is_no_upload_any_more(bundle_path: Path) -> None:
    options = ("--max-queue", "1", "--max-body-bytes", str(len(JPEG) + 10_000))
    with running("--bundle", str(bundle_path), *options) as server, asked(server):
        assert server.detect(JPEG).status_code == 200


def test_the_time_in_the_metric_is_not_the_clients(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path)) as server:
        began = time.monotonic()
        with asked(server) as raw:
            answered = time.monotonic() - began
            time.sleep(2)
            while raw.recv(2**20):
                pass
        page = httpx.get(f"{server.url}/metrics").text
    [seconds] = re.findall(r'umop_request_seconds_sum\{route="/detect"\} (\S+)', page)
    assert float(seconds) < answered + 1


def server_draws(server: RunningServer) -> bool:
    answer = httpx.post(server.url + DRAWN, content=JPEG, timeout=30)
    return answer.status_code == 200 and len(answer.content) > 4_000_000
