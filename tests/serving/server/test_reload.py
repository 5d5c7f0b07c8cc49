"""A reload swaps models, and loses no request."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.make_bundle import make_bundle
from tests.serving.running import running
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)


def test_sighup_swaps_the_model_without_losing_a_request(
    slow_bundle_path: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "live.bundle"
    shutil.copytree(slow_bundle_path, bundle)
    with running("--bundle", str(bundle)) as server, ThreadPoolExecutor(4) as threads:
        stop = threading.Event()

        def ask() -> list[tuple[int, str]]:
            seen = []
            while not stop.is_set():
                answer = server.detect(PNG)
                seen.append((answer.status_code, answer.json()["model"]["version"]))
            return seen

        asking = [threads.submit(ask) for _ in range(3)]
        time.sleep(0.5)
        replace_bundle(bundle, version="2")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.detect(PNG).json()["model"]["version"] == "2")
        stop.set()
        seen = [each for future in asking for each in future.result()]
        assert {status for status, _ in seen} == {200}
        assert {version for _, version in seen} == {"1", "2"}

        (bundle / "model.onnx").write_bytes(b"broken")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in server.log())
        assert server.detect(PNG).json()["model"]["version"] == "2"


def test_an_image_that_is_decoded_during_the_swap_is_answered(bundle_path: Path) -> None:
    large = encode(paint(6400, 5120, ("red", 640, 1280, 640)))
    with running("--bundle", str(bundle_path), "--deadline", "10") as server:
        url = f"{server.url}/detect?score_threshold=0.95"
        for _ in range(3):
            with ThreadPoolExecutor(1) as threads:
                answer = threads.submit(httpx.post, url, content=large, timeout=30)
                wait_until(lambda: server.metrics()["umop_admitted_pictures"] == 1)
                server.process.send_signal(signal.SIGHUP)
            assert answer.result().status_code == 200
            assert len(answer.result().json()["detections"]) == 1


def test_every_worker_reloads(bundle_path: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "live.bundle"
    shutil.copytree(bundle_path, bundle)
    with running("--bundle", str(bundle), "--workers", "2") as server:
        replace_bundle(bundle, version="2")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.log().count("reloaded: squares 2") == 2)
        versions = {server.detect(PNG).json()["model"]["version"] for _ in range(20)}
        assert versions == {"2"}


def replace_bundle(bundle: Path, version: str) -> None:
    new = make_bundle(bundle.with_name("new.bundle"), version=version, layers=5)
    bundle.rename(bundle.with_name("old.bundle"))
    new.rename(bundle)
