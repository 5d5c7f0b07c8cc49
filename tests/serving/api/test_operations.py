from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.make_bundle import make_bundle
from tests.serving.running import RunningServer, running
from tests.serving.test_cli import assert_one_line, run
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_not_ready_before_the_model_is_loaded(tmp_path: Path) -> None:
    with TestClient(build_app(Settings(bundle=tmp_path / "none"))) as client:
        assert client.get("/healthz").status_code == 200
        for response in (
            client.get("/readyz"),
            client.get("/models"),
            client.get("/v2/health/ready"),
        ):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            assert response.json()["type"] == "urn:umop:problem:not-ready"
        assert client.post("/detect", content=PNG).status_code == 503


def test_models_shows_the_manifest(client: TestClient) -> None:
    [model] = client.get("/models").json()
    assert (model["name"], model["version"]) == ("squares", "1")
    assert model["classes"] == ["red", "green", "blue"]


def test_metrics_count_requests_stages_and_batches(client: TestClient) -> None:
    for _ in range(3):
        client.post("/detect", content=PNG)
    client.post("/detect", content=b"junk")
    page = client.get("/metrics").text
    for line in (
        'umop_requests_total{route="/detect",status="200"} 3.0',
        'umop_requests_total{route="/detect",status="415"} 1.0',
        'umop_model_info{name="squares",version="1"} 1.0',
        "umop_batch_pictures_count 3.0",
        "umop_queue_pictures 0.0",
        "umop_admitted_pictures 0.0",
        *(
            f'umop_stage_seconds_count{{stage="{stage}"}} 3.0'
            for stage in ("decode", "queue", "inference", "encode")
        ),
    ):
        assert line in page


def test_requests_that_arrive_together_share_a_batch(slow_bundle_path: Path) -> None:
    with running("--bundle", str(slow_bundle_path), "--batch-size", "8") as server:
        with ThreadPoolExecutor(9) as threads:
            answers = list(threads.map(lambda _: server.detect(PNG), range(18)))
        assert {answer.status_code for answer in answers} == {200}
        figures = server.metrics()
    assert figures["umop_batch_pictures_sum"] == 18
    assert figures["umop_batch_pictures_count"] < 9


def test_a_request_keeps_its_id_and_its_trace(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--log-format", "json") as server:
        headers = {"X-Request-ID": "order-66", "traceparent": TRACEPARENT}
        assert server.detect(PNG, headers=headers).headers["x-request-id"] == "order-66"
        answer = server.detect(PNG, headers={"X-Request-ID": "bad id", "traceparent": "00-0-0-0"})
        made_up = answer.headers["x-request-id"]
        assert len(made_up) == 32
        wait_until(lambda: server.log().count("POST") == 2)
        lines = [json.loads(line) for line in server.log().splitlines()]
    first, second = (line for line in lines if line.get("path") == "/detect")
    assert first["request_id"] == "order-66"
    assert first["trace_id"] == TRACEPARENT.split("-")[1]
    assert (first["status"], first["method"]) == (200, "POST")
    assert second["request_id"] == second["trace_id"] == made_up


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


def test_several_workers_share_the_port_and_the_metrics(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--workers", "2") as server:
        workers = children(server)
        assert len(workers) == 2
        for _ in range(20):
            assert server.detect(PNG).status_code == 200
        answered = 'umop_requests_total{route="/detect",status="200"}'
        wait_until(lambda: server.metrics()[answered] == 20)

        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: len(children(server)) == 2 and workers[0] not in children(server))
        statuses = [server.detect(PNG).status_code]
        while server.log().count("the network runs on") < 3:
            statuses.append(server.detect(PNG).status_code)
        statuses += [server.detect(PNG).status_code for _ in range(20)]
        assert set(statuses) == {200}, "no request reaches a worker before its model is loaded"


def test_the_images_of_a_dead_worker_count_no_more(slow_bundle_path: Path) -> None:
    with (
        running("--bundle", str(slow_bundle_path), "--workers", "2") as server,
        ThreadPoolExecutor(8) as threads,
    ):
        answers = [threads.submit(server.detect, PNG) for _ in range(8)]
        wait_until(lambda: server.metrics()["umop_admitted_pictures"] >= 6)
        workers = children(server)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        lost = [isinstance(answer.exception(), httpx.TransportError) for answer in answers]
        assert any(lost)
        wait_until(lambda: len(children(server)) == 2 and not set(workers) & set(children(server)))
        wait_until(lambda: server.metrics()["umop_admitted_pictures"] == 0, seconds=20)


def test_a_dead_worker_is_tried_again_after_growing_pauses_while_the_others_answer(
    bundle_path: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(bundle_path, tmp_path / "x.bundle"))
    away = tmp_path / "away.bundle"
    with running("--bundle", str(bundle), "--workers", "2", "--log-format", "json") as server:
        first, second = children(server)
        bundle.rename(away)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(restarts(server)) == 2, seconds=60)
        assert second in children(server)
        assert server.detect(PNG).status_code == 200
        away.rename(bundle)
        wait_until(lambda: len(children(server)) == 2)
        (first_end, first_pause), (second_end, second_pause) = restarts(server)
    assert (first_pause, second_pause) == (timedelta(seconds=1), timedelta(seconds=2))
    assert second_end - first_end >= first_pause, "the replacement came after the pause"


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


def test_workers_that_cannot_start_are_one_line(tmp_path: Path) -> None:
    result = run("--bundle", str(tmp_path / "none"), "--port", "0", "--workers", "2")
    assert_one_line(result, "no such bundle")


def test_a_refused_start_with_an_internal_port_is_one_line(tmp_path: Path) -> None:
    ports = ("--port", "0", "--internal-port", "0")
    assert_one_line(run("--bundle", str(tmp_path / "none"), *ports), "no such bundle")


def test_spans_reach_a_collector(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra 'tracing'")
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        port = collector.server_address[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        with running("--bundle", str(bundle_path), "--tracing") as server:
            server.detect(PNG, headers={"traceparent": TRACEPARENT})
            httpx.get(f"{server.url}/v2/models/a-secret-name/ready")
        collector.shutdown()
    spans = b"".join(received)
    assert b"POST /detect" in spans
    assert b"GET /v2/models/{name}/ready" in spans
    assert re.search(rb"http\.(response\.)?status_code", spans)
    assert spans.count(b"a-secret-name/ready") == spans.count(b"http.target"), "never in a name"
    assert bytes.fromhex(TRACEPARENT.split("-")[1]) in spans
    assert b"umop.inference_ms" in spans


def is_refused(address: httpx.URL) -> bool:
    """Whether nothing listens on an address."""
    try:
        socket.create_connection((address.host, address.port or 80)).close()
    except ConnectionRefusedError:
        return True
    return False


def children(server: RunningServer) -> list[int]:
    """Process ids of a server's workers."""
    return worker_ids(server.process.pid)


def worker_ids(supervisor: int) -> list[int]:
    """Process ids of the workers that a process has started."""
    found = []
    for each in psutil.Process(supervisor).children():
        with suppress(psutil.Error):  # it ended meanwhile
            if "--multiprocessing-fork" in each.cmdline():
                found.append(each.pid)
    return found


def restarts(server: RunningServer) -> list[tuple[datetime, timedelta]]:
    """When a worker ended, by the supervisor's log, and the pause before the next one."""
    lines = [json.loads(line) for line in server.log().splitlines()]
    found = [(line, re.search(r"starting another in (\d+) s", line["message"])) for line in lines]
    return [
        (datetime.fromisoformat(line["time"]), timedelta(seconds=int(match[1])))
        for line, match in found
        if match
    ]


def replace_bundle(bundle: Path, version: str) -> None:
    new = make_bundle(bundle.with_name("new.bundle"), version=version, layers=5)
    bundle.rename(bundle.with_name("old.bundle"))
    new.rename(bundle)
