from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.command import assert_one_line, run
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import free_ports, running
from tests.serving.waiting import wait_until

PNG = encode(TWO_SQUARES)


@contextmanager
def serving(bundle_path: Path, **options: Any) -> Iterator[TestClient]:
    with TestClient(build_app(Settings(bundle=bundle_path, **options))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def test_a_key_is_needed_where_keys_are_set(bundle_path: Path) -> None:
    hashed = "sha256:" + hashlib.sha256(b"second").hexdigest()
    with serving(bundle_path, api_keys=f"first,{hashed}") as client:
        for path in ("/detect", "/detect/batch", "/v2/models/squares/infer"):
            refused = client.post(path, content=PNG)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.json()["type"] == "urn:umop:problem:unauthorized"
        for path in ("/models", "/samples", "/v2/models/squares"):
            assert client.get(path).status_code == 401
        for headers in (
            {"X-API-Key": "first"},
            {"X-API-Key": "second"},
            {"Authorization": "Bearer second"},
        ):
            assert client.post("/detect", content=PNG, headers=headers).status_code == 200
        for wrong in ("", "firs", "first,", hashed, "\xff"):
            headers = {"X-API-Key": wrong.encode("latin-1")}
            assert client.post("/detect", content=PNG, headers=headers).status_code == 401
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad\n", b"sha256:12ab\n"])
def test_a_keys_file_that_is_wrong(bundle_path: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    result = run("--bundle", str(bundle_path), "--port", "0", "--api-keys-file", str(file))
    assert_one_line(result, "API keys cannot be used")


def test_a_missing_keys_file_is_one_line(bundle_path: Path) -> None:
    result = run("--bundle", str(bundle_path), "--port", "0", "--api-keys-file", "nowhere")
    assert_one_line(result, "keys' file", "nowhere")


def test_an_open_address_needs_a_key_or_a_word(bundle_path: Path) -> None:
    result = run("--bundle", str(bundle_path), "--port", "0", "--host", "0.0.0.0")
    assert_one_line(result, "0.0.0.0", "UMOP_API_KEYS", "UMOP_ALLOW_ANONYMOUS=1")
    for allowed in ({"UMOP_ALLOW_ANONYMOUS": "1"}, {"UMOP_API_KEYS": "k"}):
        with running("--bundle", str(bundle_path), "--host", "0.0.0.0", **allowed) as server:
            port = server.url.rpartition(":")[2]
            assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200


@pytest.mark.parametrize("option", ["--api-keys", "--admin-keys"])
def test_a_key_is_no_argument_that_ps_shows(bundle_path: Path, option: str) -> None:
    result = run("--bundle", str(bundle_path), "--port", "0", option, "secret")
    assert result.returncode == 2
    assert "No such option" in result.stderr


def test_requests_are_limited_for_each_key(bundle_path: Path) -> None:
    with serving(bundle_path, api_keys="a,b", rate_limit=3) as client:
        statuses = [client.get("/models", headers={"X-API-Key": "a"}) for _ in range(4)]
        assert [each.status_code for each in statuses] == [200, 200, 200, 429]
        assert 1 <= int(statuses[-1].headers["retry-after"]) <= 21
        assert client.get("/models", headers={"X-API-Key": "b"}).status_code == 200


def test_wrong_keys_are_limited_for_each_address(bundle_path: Path) -> None:
    with serving(bundle_path, api_keys="right", admin_keys="admin", rate_limit=3) as client:
        guesses = [client.get("/models", headers={"X-API-Key": f"{i}"}) for i in range(4)]
        assert [each.status_code for each in guesses] == [401, 401, 401, 429]
        assert client.post("/admin/reload", headers={"X-API-Key": "x"}).status_code == 429
        assert client.get("/models", headers={"X-API-Key": "right"}).status_code == 200


@pytest.mark.parametrize(("trusted", "last"), [({}, 429), ({"FORWARDED_ALLOW_IPS": "*"}, 200)])
def test_only_a_proxy_that_is_trusted_names_the_caller(
    bundle_path: Path, trusted: dict[str, str], last: int
) -> None:
    with running("--bundle", str(bundle_path), "--rate-limit", "2", **trusted) as server:
        statuses = [
            httpx.get(f"{server.url}/models", headers={"X-Forwarded-For": f"8.8.8.{i}"}).status_code
            for i in range(3)
        ]
    assert statuses == [200, 200, last]


def test_other_origins_are_let_in_only_by_name(bundle_path: Path) -> None:
    origin = {"Origin": "https://example.org"}
    with serving(bundle_path) as client:
        assert "access-control-allow-origin" not in client.get("/models", headers=origin).headers
    with serving(bundle_path, cors_origins="https://example.org") as client:
        allowed = client.get("/models", headers=origin).headers["access-control-allow-origin"]
        assert allowed == "https://example.org"
        stranger = client.get("/models", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize("origins", ["", "https://example.org"])
def test_a_preflight_request_that_is_refused_gets_a_problem(
    bundle_path: Path, origins: str
) -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    with serving(bundle_path, cors_origins=origins) as client:
        answer = client.options("/detect", headers=asks)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "Disallowed CORS origin"
    with serving(bundle_path, cors_origins="https://evil.example") as client:
        assert client.options("/detect", headers=asks).status_code == 200


def test_security_headers(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "script-src 'self';" in headers["content-security-policy"]
    assert client.get("/models").headers["cache-control"] == "no-store"


def test_docs_and_metrics_can_be_switched_off(bundle_path: Path) -> None:
    with serving(bundle_path, docs="off", metrics="off", page=False) as client:
        for path in ("/docs", "/openapi.json", "/metrics", "/", "/samples"):
            assert client.get(path).status_code == 404
    with serving(bundle_path) as client:
        page = client.get("/docs")
        assert "swagger-ui-bundle.js" in page.text
        assert "://" not in page.text.replace("http://testserver", "")
        assert client.get("/docs/files/swagger-ui-bundle.js").status_code == 200


def test_docs_and_metrics_can_move_to_an_internal_port(bundle_path: Path) -> None:
    [port] = free_ports(1)
    options = ("--docs", "internal", "--metrics", "internal", "--internal-port")
    with running("--bundle", str(bundle_path), *options, str(port)) as server:
        internal = f"http://127.0.0.1:{port}"
        for path in ("/docs", "/openapi.json", "/metrics"):
            assert httpx.get(server.url + path).status_code == 404
            assert httpx.get(internal + path).status_code == 200
        assert "/detect" in httpx.get(f"{internal}/openapi.json").json()["paths"]
        assert httpx.post(f"{internal}/detect", content=PNG).status_code == 404


def test_admin_routes_need_their_own_key(bundle_path: Path) -> None:
    with serving(bundle_path) as client:
        assert client.post("/admin/reload").status_code == 404
    with serving(bundle_path, api_keys="user", admin_keys="root") as client:
        for key, status in (("user", 401), ("root", 200)):
            answer = client.post("/admin/reload", headers={"X-API-Key": key})
            assert answer.status_code == status
