"""What fails inside the service is answered in its own words and can be found in the log."""

from __future__ import annotations

import asyncio
import io
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.backends.embedded import EmbeddedBackend
from serving.guards.fetch import Fetcher
from serving.observability.logs import TextFormatter
from serving.server.app import build_app
from serving.server.process import Server, StartError, listen, run
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import free_ports
from tests.serving.waiting import wait_until
from tests.zips import zip_with_a_name_that_is_no_text


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged as text from now on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    [port] = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(("path", "count"), [("/detect", 1), ("/detect/batch", 2)])
def test_a_slow_server_of_images_is_no_slow_upload(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, path: str, count: int
) -> None:
    async def stall(*_: object) -> bytes:
        await asyncio.sleep(60)
        return b""

    monkeypatch.setattr(Fetcher, "fetch", stall)
    app = build_app(settings.model_copy(update={"allow_urls": True, "deadline": 0.5}))
    addresses = [{"url": "https://example.org/a.png"}] * count
    body = {"images": addresses} if count > 1 else addresses[0]
    with TestClient(app) as client:
        answer = client.post(path, json=body)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:umop:problem:deadline-passed"


def test_a_failure_is_answered_counted_and_logged_under_the_requests_id(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    app = build_app(settings.model_copy(update={"cors_origins": ["https://example.org"]}))

    def fail() -> None:
        raise RuntimeError("out of luck\n00:00:00 INFO forged")

    monkeypatch.setattr(app.state.services.models.first, "manifest", fail)
    headers = {"X-Request-ID": "find-me", "Origin": "https://example.org"}
    with serving(app) as url:
        answer = httpx.get(f"{url}/models", headers=headers)
        figures = httpx.get(f"{url}/metrics").text

    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:umop:problem:internal-error"
    assert answer.headers["x-request-id"] == "find-me"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "https://example.org"
    assert 'umop_requests_total{route="/models",status="500"} 1.0' in figures
    assert 'status="499"' not in figures

    assert log.getvalue().count("RuntimeError: out of luck") == 1
    lines = log.getvalue().splitlines()
    [access] = [line for line in lines if "path=/models" in line]
    assert "status=500" in access
    assert access.endswith("request_id=find-me")
    [raised] = [place for place, line in enumerate(lines) if "Traceback" in line]
    assert lines[raised - 1].endswith("request_id=find-me")


def test_a_sample_that_vanished_is_not_found(bundle_path: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "vanishing.bundle"
    shutil.copytree(bundle_path, bundle)
    with TestClient(build_app(Settings(bundle=bundle, threads=1))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/samples/squares.png").status_code == 200

        (bundle / "samples" / "squares.png").write_bytes(bytes(10**6))
        assert_unknown_sample(client)
        bundle.rename(tmp_path / "moved.bundle")
        assert_unknown_sample(client)
        for damaged in (b"no zip", zip_with_a_name_that_is_no_text()):
            bundle.write_bytes(damaged)
            assert_unknown_sample(client)
        assert client.post("/detect", content=encode(TWO_SQUARES)).status_code == 200


def assert_unknown_sample(client: TestClient) -> None:
    answer = client.get("/samples/squares.png")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:umop:problem:unknown-sample"
    detail = "the sample 'squares.png' can no longer be read from the bundle"
    assert answer.json()["detail"] == detail


def test_a_load_that_fails_in_an_unforeseen_way_ends_the_service(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    async def fail(_: EmbeddedBackend) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(EmbeddedBackend, "reload", fail)
    monkeypatch.setattr("serving.observability.logs.configure", lambda _: None)
    with pytest.raises(StartError, match="cannot be loaded: RuntimeError: no such luck"):
        run(settings, [listen("127.0.0.1", 0)], on_ready=print)
    assert "the model could not be loaded" in log.getvalue()


def test_a_reload_that_fails_in_an_unforeseen_way_is_logged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    async def fail(_: EmbeddedBackend) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(EmbeddedBackend, "reload", fail)
    asyncio.run(Server(build_app(settings), on_ready=print)._reload())
    assert "ERROR the model was not reloaded" in log.getvalue()
    assert "RuntimeError: no such luck" in log.getvalue()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_what_the_machine_cannot_give_now_is_asked_for_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("serving.inference.decoding.decode", fail)
    with TestClient(build_app(settings), raise_server_exceptions=False) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        answer = client.post("/detect", content=encode(TWO_SQUARES))
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:umop:problem:overloaded"
    assert answer.headers["retry-after"] == "5"
