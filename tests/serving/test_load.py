"""Twice the load that the service can bear: some are turned away, nobody is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.serving_load import load
from tests.serving.make_bundle import make_bundle
from tests.serving.pictures import TWO_SQUARES, encode
from tests.serving.running import running
from tests.serving.test_operations import metrics
from tests.serving.waiting import wait_until

DEADLINE = 2.0


def test_twice_the_capacity(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "busy.bundle", layers=2)
    options = ("--deadline", str(DEADLINE), "--max-queue", "16", "--log-level", "error")
    with running("--bundle", str(bundle), *options) as server:
        warm = asyncio.run(load(server.url, encode(TWO_SQUARES), seconds=3, factor=2))
        before = server.memory()
        report = asyncio.run(load(server.url, encode(TWO_SQUARES), seconds=15, factor=2))
        wait_until(lambda: metrics(server)["umop_admitted_pictures"] == 0)
        figures = metrics(server)
        assert server.log() == ""
        assert server.memory() < 1.5 * before
    assert set(report.statuses) <= {200, 422, 503}, report.summary()
    assert report.statuses[200] > 0 < report.statuses[503]
    assert report.percentile(99) < DEADLINE + 0.5, report.summary()
    answered = figures['umop_requests_total{route="/detect",status="200"}']
    answered += figures['umop_requests_total{route="/detect/batch",status="200"}']
    patient = 5 * (warm.capacity + report.capacity)
    seen = warm.statuses[200] + report.statuses[200] + patient
    # An answer may be on its way to a client that has just hung up.
    assert seen <= answered <= seen + warm.hung_up + report.hung_up
