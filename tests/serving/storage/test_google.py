"""Conditional writes as Google's storage has them: by generation, where S3 and Azure have ETags."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serving.storage import Store
from tests.serving.storage.conditional import replace_twice

_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


class _Handler(BaseHTTPRequestHandler):
    """One object, answered for as the XML API does."""

    protocol_version = "HTTP/1.1"
    content = b""
    generation = 0

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if int(self.headers["x-goog-if-generation-match"]) != _Handler.generation:
            self.answer(412)
            return
        _Handler.content, _Handler.generation = content, _Handler.generation + 1
        self.answer(200)

    def do_GET(self) -> None:
        self.answer(200, _Handler.content)

    def answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{len(_Handler.content)}"')  # says nothing of the content
        self.send_header("Last-Modified", _DATE)
        self.send_header("x-goog-generation", str(_Handler.generation))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account = {
        "gcs_base_url": f"http://127.0.0.1:{server.server_port}",
        "disable_oauth": True,
        **dict.fromkeys(("client_email", "private_key", "private_key_id"), ""),
    }
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("google")
def test_a_conditional_write_loses_against_the_one_that_was_first() -> None:
    store = Store("gs://bucket/runs")
    _, second = replace_twice(store)
    found = store.read("lease")
    assert found is not None
    assert (found[0], found[1].tag) == (b"two", second)
