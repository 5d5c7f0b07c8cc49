"""Decoders that hang hold up nobody, and no stop."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.serving.images import TWO_SQUARES, encode, paint

pytestmark = pytest.mark.slow
PNG, HANGS = encode(TWO_SQUARES), encode(paint(66, 66))
OPTIONS = ("--port", "0", "--threads", "1", "--deadline", "1", "--drain-timeout", "1")
START = """
import time
from serving.inference import decoding

decode = decoding.decode

def hanging(data, max_pixels):
    if decoding.read_header(data, max_pixels).width == 66:
        time.sleep(1e6)
    return decode(data, max_pixels)

decoding.decode = hanging
from serving.api.routes import detect

negotiate = detect.negotiate

def hanging_loop(request, *more):
    if "x-hang" in request.headers:
        time.sleep(1e6)
    return negotiate(request, *more)

detect.negotiate = hanging_loop
from serving.cli import main
main()
"""


@contextmanager
def service(bundle: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service whose decoder hangs in some images; its address and its process."""
    command = [sys.executable, "-c", START, "--bundle", str(bundle), *OPTIONS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[-1], process
        finally:
            process.kill()


def detect(url: str, image: bytes) -> int:
    return httpx.post(f"{url}/detect", content=image, timeout=30).status_code


def hang(url: str, images: int) -> None:
    with ThreadPoolExecutor(images) as threads:
        statuses = list(threads.map(lambda _: detect(url, HANGS), range(images)))
    assert statuses == [503] * images


def test_threads_that_hang_are_replaced_and_a_stop_ends(bundle_path: Path) -> None:
    with service(bundle_path) as (url, process):
        hang(url, 2)
        time.sleep(0.2)
        assert detect(url, PNG) == 200
        assert httpx.get(f"{url}/readyz").status_code == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 1
        assert time.monotonic() - began < 15
        assert process.stderr
        assert "hanging" in process.stderr.read(), "it says where its threads were"


def test_a_service_of_which_all_threads_hang_is_not_ready_and_ends(bundle_path: Path) -> None:
    with service(bundle_path) as (url, process):
        for _ in range(4):
            hang(url, 2)
            time.sleep(0.2)
        answer = httpx.get(f"{url}/readyz")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "all threads that decode hang"
        assert process.wait(20) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_where_the_event_loop_hangs(bundle_path: Path, number: int) -> None:
    with service(bundle_path) as (url, process):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/detect", content=PNG, headers={"X-Hang": "1"}, timeout=1)
        process.send_signal(number)
        assert process.wait(20) == 1
