from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import running

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)


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
