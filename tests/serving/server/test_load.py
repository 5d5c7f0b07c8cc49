"""Twice the load that the service can bear: some are turned away, nobody is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.serving_load import load
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.running import RunningServer, running
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.serial
DEADLINE = 2.0


def test_twice_the_capacity(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "busy.bundle", layers=2)
    options = ("--deadline", str(DEADLINE), "--max-queue", "16", "--log-level", "error")
    with running("--bundle", str(bundle), *options) as server:
        warm = asyncio.run(load(server.url, encode(TWO_SQUARES), seconds=3, factor=2))
        before = server.memory()
        report = asyncio.run(load(server.url, encode(TWO_SQUARES), seconds=15, factor=2))
        wait_until(lambda: server.metrics()["umop_admitted_pictures"] == 0)
        patient = 5 * (warm.capacity + report.capacity)
        seen = warm.statuses[200] + report.statuses[200] + patient
        wait_until(lambda: answered(server) >= seen)
        # An answer may be on its way to a client that has just disconnected.
        assert answered(server) <= seen + warm.hung_up + report.hung_up
        assert server.log() == ""
        assert server.memory() < 1.5 * before
    assert set(report.statuses) <= {200, 422, 503}, report.summary()
    assert report.statuses[200] > 0 < report.statuses[503]
    assert report.percentile(99) < DEADLINE + 1, report.summary()


def answered(server: RunningServer) -> float:
    figures = server.metrics()
    counted = [
        f'umop_requests_total{{route="{route}",status="200"}}'
        for route in ("/detect", "/detect/batch")
    ]
    return sum(figures.get(name, 0) for name in counted)
