"""Several workers behind one port."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.serving.command import assert_one_line, run
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import RunningServer, children, running
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)


def test_several_workers_share_the_port_and_the_metrics(bundle_path: Path, tmp_path: Path) -> None:
    folder = {"TMPDIR": str(tmp_path)}
    with running("--bundle", str(bundle_path), "--workers", "2", **folder) as server:
        workers = children(server)
        assert len(workers) == 2
        for _ in range(20):
            assert server.detect(PNG).status_code == 200
        answered = 'umop_requests_total{route="/detect",status="200"}'
        wait_until(lambda: server.metrics()[answered] == 20)
        files = set(tmp_path.glob("umop-metrics-*/*.db"))

        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: len(children(server)) == 2 and workers[0] not in children(server))
        statuses = [server.detect(PNG).status_code]
        while server.log().count("the network runs on") < 3:
            statuses.append(server.detect(PNG).status_code)
        statuses += [server.detect(PNG).status_code for _ in range(20)]
        assert set(statuses) == {200}, "no request reaches a worker before its model is loaded"
        wait_until(lambda: server.metrics()[answered] == 20 + len(statuses))
        assert set(tmp_path.glob("umop-metrics-*/*.db")) == files != set()


def test_the_images_of_a_dead_worker_count_no_more(slow_bundle_path: Path) -> None:
    with (
        running("--bundle", str(slow_bundle_path), "--workers", "2") as server,
        ThreadPoolExecutor(8) as threads,
    ):
        answers = [threads.submit(server.detect, PNG) for _ in range(8)]
        wait_until(lambda: server.metrics()["umop_admitted_pictures"] >= 6)
        workers = children(server)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        lost = [isinstance(answer.exception(), httpx.TransportError) for answer in answers]
        assert any(lost)
        wait_until(lambda: len(children(server)) == 2 and not set(workers) & set(children(server)))
        wait_until(lambda: server.metrics()["umop_admitted_pictures"] == 0, seconds=20)


def test_a_dead_worker_is_tried_again_after_growing_pauses_while_the_others_answer(
    bundle_path: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(bundle_path, tmp_path / "x.bundle"))
    away = tmp_path / "away.bundle"
    with running("--bundle", str(bundle), "--workers", "2", "--log-format", "json") as server:
        first, second = children(server)
        bundle.rename(away)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(restarts(server)) == 2, seconds=60)
        assert second in children(server)
        assert server.detect(PNG).status_code == 200
        away.rename(bundle)
        wait_until(lambda: len(children(server)) == 2)
        (first_end, first_pause), (second_end, second_pause) = restarts(server)
    assert (first_pause, second_pause) == (timedelta(seconds=1), timedelta(seconds=2))
    assert second_end - first_end >= first_pause, "the replacement came after the pause"


def test_workers_that_cannot_start_are_one_line(tmp_path: Path) -> None:
    result = run("--bundle", str(tmp_path / "none"), "--port", "0", "--workers", "2")
    assert_one_line(result, "no such bundle")


def test_a_refused_start_with_an_internal_port_is_one_line(tmp_path: Path) -> None:
    ports = ("--port", "0", "--internal-port", "0")
    assert_one_line(run("--bundle", str(tmp_path / "none"), *ports), "no such bundle")


def restarts(server: RunningServer) -> list[tuple[datetime, timedelta]]:
    """When a worker ended, by the supervisor's log, and the pause before the next one."""
    lines = [json.loads(line) for line in server.log().splitlines()]
    found = [(line, re.search(r"starting another in (\d+) s", line["message"])) for line in lines]
    return [
        (datetime.fromisoformat(line["time"]), timedelta(seconds=int(match[1])))
        for line, match in found
        if match
    ]
