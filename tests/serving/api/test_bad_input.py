"""Whatever is sent, the answer is a problem of the sender's, and the server keeps running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.corpus import bad_requests, flipped_bits
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import RunningServer, running


@pytest.fixture(scope="module")
def patient(bundle_path: Path) -> Iterator[RunningServer]:
    with running("--bundle", str(bundle_path), "--max-body-bytes", "2000000") as server:
        for _ in range(50):  # so that caches and threads count into its first memory
            post(server, encode(TWO_SQUARES))
        yield server


def post(
    server: RunningServer, body: bytes, path: str = "/detect", **headers: str
) -> httpx.Response:
    with httpx.Client(timeout=20) as client:
        return client.post(server.url + path, content=body, headers=headers)


@pytest.mark.slow
def test_every_bad_request_is_a_problem_and_memory_stays(patient: RunningServer) -> None:
    corpus = bad_requests()
    assert len(corpus) >= 200
    assert len({each.name for each in corpus}) == len(corpus)
    before = patient.memory()
    wrong = []
    for bad in corpus:
        answer = post(patient, bad.body, bad.path, **bad.headers)
        kind = answer.headers.get("content-type")
        if not 400 <= answer.status_code < 500 or kind != "application/problem+json":
            wrong.append((bad.name, answer.status_code, kind))
    assert not wrong
    assert patient.memory() < 1.5 * before
    assert post(patient, encode(TWO_SQUARES)).status_code == 200
    assert "Traceback" not in patient.log()


@pytest.mark.slow
def test_flipped_bits_do_no_harm(patient: RunningServer) -> None:
    before = patient.memory()
    statuses = {name: post(patient, data).status_code for name, data in flipped_bits()}
    assert set(statuses.values()) <= {200, 413, 415, 422}, statuses
    assert 422 in statuses.values()
    assert patient.memory() < 1.5 * before
    assert "Traceback" not in patient.log()
