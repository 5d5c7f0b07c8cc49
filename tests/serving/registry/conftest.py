"""The squares bundle, as a version in MLflow's registry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from serving.bundle import Bundle
from tests.serving.registry.scripted import ALIAS, FILE, PLACE, Answer, Scripted, handler, version


@pytest.fixture
def zipped(bundle_path: Path, tmp_path: Path) -> bytes:
    return Bundle.open(bundle_path).pack(tmp_path / "squares.zip").read_bytes()


@pytest.fixture
def mlflow(zipped: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """A server that has the squares bundle, as version 3 of cells."""
    scripted = Scripted()
    scripted.answers = {
        ALIAS: Answer(version(zipped)),
        PLACE: Answer({"artifact_uri": "mlflow-artifacts:/1"}),
        FILE: Answer(zipped),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(scripted))
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scripted.url)
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))
    for name in ("USERNAME", "PASSWORD", "TOKEN", "SERVER_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    yield scripted
    server.shutdown()
    server.server_close()
