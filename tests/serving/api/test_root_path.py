"""Behind a proxy that publishes the service under a path, whether or not it takes the path away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.command import assert_one_line, run
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.waiting import wait_until


@pytest.fixture(scope="module")
def published(bundle_path: Path) -> Iterator[TestClient]:
    settings = Settings(bundle=bundle_path, threads=1, root_path="/detector")
    with TestClient(build_app(settings), follow_redirects=False) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.mark.parametrize("prefix", ["", "/detector"])
def test_every_address_has_the_prefix(published: TestClient, prefix: str) -> None:
    docs = published.get(f"{prefix}/docs")
    assert "'/detector/openapi.json'" in docs.text
    assert 'src="/detector/docs/files/swagger-ui-bundle.js"' in docs.text
    assert "'unsafe-inline'" in docs.headers["content-security-policy"]
    assert published.get(f"{prefix}/docs/files/swagger-ui.css").status_code == 200
    assert published.get(f"{prefix}/openapi.json").json()["servers"] == [{"url": "/detector"}]
    assert published.get(f"{prefix}/").status_code == 200
    style = published.get(f"{prefix}/static/style.css")
    assert (style.status_code, style.headers["cache-control"]) == (200, "no-cache")
    assert published.post(f"{prefix}/detect", content=encode(TWO_SQUARES)).status_code == 200
    moved = published.get(f"{prefix}/models/")
    assert moved.headers["location"].endswith("/detector/models")
    assert "error" in published.get(f"{prefix}/v2/models/none").json()


def test_the_page_needs_the_last_slash(published: TestClient) -> None:
    assert published.get("/detector").headers["location"].endswith("/detector/")


def test_a_path_that_only_begins_alike_is_another(published: TestClient) -> None:
    assert published.get("/detectors").status_code == 404


@pytest.mark.parametrize("path", ["detector", "/detector/", "/a b", "//"])
def test_a_path_that_is_not_one_is_refused(bundle_path: Path, path: str) -> None:
    result = run("--bundle", str(bundle_path), "--port", "0", "--root-path", path)
    assert_one_line(result, "root_path")
