"""The probe of TorchServe's container, against a stand-in for the management API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from serving.torchserve.probe import main


@contextmanager
def management(status: str) -> Iterator[int]:
    """A management API with one model, whose worker is in a state; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listed = {"models": [{"modelName": "demo"}]}
            described = [{"workers": [{"status": status}]}]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(listed if self.path == "/models" else described).encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "code"), [("READY", 0), ("LOADING", 1), ("UNLOADING", 1)])
def test_only_a_worker_that_has_loaded_is_ready(status: str, code: int) -> None:
    with management(status) as port:
        assert main(port) == code


def test_a_management_port_that_is_closed_is_not_ready() -> None:
    with management("READY") as port:
        pass
    assert main(port) == 1
