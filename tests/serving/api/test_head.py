"""HEAD is answered wherever GET is, with the same headers and no body (HAProxy checks with it)."""

from __future__ import annotations

import httpx
import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app, build_internal_app
from serving.settings import Settings


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/models", "/docs", "/openapi.json", "/v2/health/ready"]
)
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"") == (200, b"")
    for name in ("content-type", "content-length"):
        assert head.headers[name] == got.headers[name]


def test_head_is_refused_where_get_is(client: TestClient) -> None:
    assert client.head("/detect").status_code == 405
    assert client.head("/nowhere").status_code == 404


def test_head_counts_for_its_route(client: TestClient) -> None:
    client.head("/healthz")
    assert 'umop_requests_total{route="/healthz",status="200"} 1.0' in client.get("/metrics").text


def test_the_internal_port_answers_head(settings: Settings) -> None:
    internal = TestClient(build_internal_app(build_app(settings)))
    assert internal.head("/healthz").status_code == 200


def test_a_connection_goes_on_after_head(server: str) -> None:
    with httpx.Client(base_url=server) as client:
        assert [client.head("/healthz").status_code for _ in range(3)] == [200] * 3
        assert client.get("/healthz").json() == {"status": "alive"}


@pytest.mark.parametrize("wanted", ["bytes=9-1", "bytes=999999999-", "lines=1-2", "bytes=0-4"])
def test_files_are_sent_as_a_whole(client: TestClient, wanted: str) -> None:
    for path in ("/", "/static/app.js", "/docs/files/favicon.png"):
        whole, part = client.get(path), client.get(path, headers={"Range": wanted})
        assert (part.status_code, part.content) == (200, whole.content)
        assert part.headers["accept-ranges"] == "none"
