from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from serving.app import build_app
from serving.settings import Settings
from tests.serving.pictures import TWO_SQUARES, encode


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_not_ready_before_the_model_is_loaded(tmp_path: Path) -> None:
    with TestClient(build_app(Settings(bundle=tmp_path / "none"))) as client:
        assert client.get("/healthz").status_code == 200
        for response in (client.get("/readyz"), client.get("/models")):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            assert response.json()["type"] == "urn:umop:problem:not-ready"
        assert client.post("/detect", content=encode(TWO_SQUARES)).status_code == 503


def test_models_shows_the_manifest(client: TestClient) -> None:
    [model] = client.get("/models").json()
    assert (model["name"], model["version"]) == ("squares", "1")
    assert model["classes"] == ["red", "green", "blue"]
