"""A stop answers what was accepted, and ends every process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import RunningServer, running, worker_ids
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage, upload

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)


def arrived(server: RunningServer) -> float:
    figures = server.metrics()
    answered = figures.get('umop_requests_total{route="/detect",status="200"}', 0)
    return figures["umop_admitted_pictures"] + answered


def test_a_stop_answers_what_was_accepted(slow_bundle_path: Path) -> None:
    with running("--bundle", str(slow_bundle_path)) as server, ThreadPoolExecutor(6) as threads:
        answers = [threads.submit(server.detect, PNG) for _ in range(6)]
        wait_until(lambda: arrived(server) == 6)
        server.stop()
        assert [each.result().status_code for each in answers] == [200] * 6
        with pytest.raises(httpx.TransportError):
            wait_until(lambda: server.detect(PNG).status_code == 0)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_closes_the_port_before_the_last_answer(bundle_path: Path, workers: str) -> None:
    """A client that could still connect would wait for an answer that nobody gives."""
    with running("--bundle", str(bundle_path), "--workers", workers) as server:
        address = httpx.URL(server.url)
        client = HTTPConnection(address.host, address.port or 80, timeout=60)
        client.request("GET", "/healthz")
        assert client.getresponse().read()
        client.putrequest("POST", "/detect")
        client.putheader("Content-Length", str(len(PNG)))
        client.endheaders(PNG[:10])
        server.stop()
        wait_until(lambda: is_refused(address))
        client.send(PNG[10:])
        assert client.getresponse().status == 200


def test_readiness_ends_before_the_port_closes(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--drain-delay", "1") as server:
        server.stop()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        assert server.detect(PNG).status_code == 200


def test_no_client_keeps_a_connection_to_a_service_that_stops(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--drain-delay", "2") as server:
        connections = [httpx.Client(base_url=server.url) for _ in range(4)]

        def asked_again_and_again(client: httpx.Client) -> httpx.Response:
            with client:
                while True:
                    answer = client.post("/detect", files={"file": PNG})
                    if "connection" in answer.headers:
                        return answer

        with ThreadPoolExecutor(len(connections)) as pool:
            answers = pool.map(asked_again_and_again, connections)
            server.stop()
            for answer in answers:
                assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert server.detect(PNG).status_code == 200, "new connections are still taken"


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0, 3.0])
def test_a_stop_during_the_start_ends_every_process(bundle_path: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "serving", "--bundle", str(bundle_path), "--port", "0"]
    with subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(20)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


def test_ctrl_c_during_the_start_prints_no_traceback(bundle_path: Path) -> None:
    command = [sys.executable, "-m", "serving", "--bundle", str(bundle_path), "--port", "0"]
    command += ["--workers", "2", "--log-level", "error"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        wait_until(lambda: len(worker_ids(process.pid)) == 2, seconds=60)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_does_not_wait_for_a_bundle_that_does_not_come(
    storage: Storage,
    place: str,
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: str,
) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path))
    upload(bundle_path, place)
    storage.fault = lambda method, path: (
        Fault(stall_after=10) if method == "GET" and path.endswith("model.onnx") else None
    )
    command = [sys.executable, "-m", "serving", "--bundle", place, "--port", "0"]
    command += ["--workers", workers, "--log-level", "error"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: any(tmp_path.rglob("*.parts/*")), seconds=60)
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (0, "")


def is_refused(address: httpx.URL) -> bool:
    """Whether nothing listens on an address."""
    try:
        socket.create_connection((address.host, address.port or 80)).close()
    except ConnectionRefusedError:
        return True
    return False
