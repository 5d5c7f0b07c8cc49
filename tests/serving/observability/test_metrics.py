"""The metrics of workers are summed, and those of one that died go on in the next."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.multiprocess import mark_process_dead

from serving.observability.metrics import SHARED_FOLDER, WORKER, Metrics
from serving.server.app import build_app
from serving.settings import Settings

WORKS = """
from serving.observability.metrics import Metrics

metrics = Metrics()
metrics.requests.labels("/detect", 200).inc()
metrics.batch.observe(2)
metrics.admitted.inc()
print(metrics.page().decode())
"""


def figures_of(worker: int, folder: Path) -> dict[str, float]:
    """All that a worker's page says, once it has answered a request; it then dies."""
    variables = {**os.environ, SHARED_FOLDER: str(folder), WORKER: str(worker)}
    done = subprocess.run(
        [sys.executable, "-c", WORKS], env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line[:1] not in ("", "#")]
    return {name: float(value) for name, value in lines}


def test_a_worker_goes_on_with_the_files_of_the_dead_one_whose_place_it_takes(
    tmp_path: Path,
) -> None:
    sizes = set()
    for lives in (1, 2, 3):
        figures = figures_of(0, tmp_path)
        assert figures['umop_requests_total{route="/detect",status="200"}'] == lives
        assert figures["umop_batch_pictures_sum"] == 2 * lives
        assert figures["umop_admitted_pictures"] == 1, "those of the dead one count no more"
        sizes.add(sum(file.stat().st_size for file in tmp_path.iterdir()))
        mark_process_dead(0, str(tmp_path))  # type: ignore[no-untyped-call]
    assert len(sizes) == 1
    assert figures_of(1, tmp_path)["umop_batch_pictures_sum"] == 8


def test_a_page_of_metrics_holds_up_no_request(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Metrics.page
    held_up: list[asyncio.AbstractEventLoop] = []

    def page(self: Metrics) -> bytes:
        with suppress(RuntimeError):
            held_up.append(asyncio.get_running_loop())
        return write(self)

    monkeypatch.setattr(Metrics, "page", page)
    with TestClient(build_app(Settings(bundle=bundle_path, threads=1))) as client:
        assert "umop_requests_total" in client.get("/metrics").text
    assert held_up == []
