"""A request is followed by its id and its trace."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import running
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


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
