"""The archive in a real TorchServe: the embedded engine's answers, batches, problems."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.inference.detector import Detector
from serving.schemas.options import Options
from serving.torchserve.archive import WorkerOptions, write_archive
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.running import RunningServer, free_ports, running
from tests.serving.torchserving import RunningTorchServe, torchserving
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)
NAME = "squares"


@pytest.fixture(scope="module")
def archive(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batches of four wait long enough for four requests sent together."""
    target = tmp_path_factory.mktemp("store") / f"{NAME}.mar"
    return write_archive(bundle_path, target, WorkerOptions(batch_size=4, batch_delay_ms=400))


@pytest.fixture(scope="module")
def torchserve(archive: Path) -> Iterator[RunningTorchServe]:
    with torchserving(archive) as running:
        yield running


@pytest.fixture(scope="module")
def front(bundle_path: Path, torchserve: RunningTorchServe) -> Iterator[RunningServer]:
    options = ("--backend", "torchserve", "--torchserve-url", torchserve.url)
    with running("--bundle", str(bundle_path), *options) as front:
        yield front


def predict(
    torchserve: RunningTorchServe, image: bytes, **options: Any
) -> tuple[int, dict[str, Any]]:
    headers = {"X-UMOP-Options": json.dumps(options)}
    url = f"{torchserve.url}/predictions/{NAME}"
    answer = httpx.post(url, content=image, headers=headers, timeout=30)
    return answer.status_code, answer.json()


def test_it_is_healthy(torchserve: RunningTorchServe) -> None:
    assert httpx.get(f"{torchserve.url}/ping").json() == {"status": "Healthy"}


@pytest.mark.parametrize(
    "options",
    [{}, {"score_threshold": 0.95}, {"max_detections": 1}, {"classes": ["blue", "green"]}],
)
def test_the_answers_are_the_embedded_ones(
    torchserve: RunningTorchServe, front: RunningServer, server: str, options: dict[str, Any]
) -> None:
    status, direct = predict(torchserve, PNG, **options)
    assert status == 200
    through, embedded = (
        httpx.post(f"{url}/detect", params=options, content=PNG).json()
        for url in (front.url, server)
    )
    for answer in (direct, through, embedded):
        assert set(answer.pop("timing_ms")) >= {"decode", "inference"}
    assert flat(direct) == pytest.approx(flat(embedded), abs=1e-4)
    assert through == direct


@pytest.mark.parametrize("image", [PNG, encode(TWO_SQUARES, "JPEG", quality=80)])
def test_torchserve_the_service_python_and_the_command_agree_to_the_bit(
    torchserve: RunningTorchServe, server: str, bundle_path: Path, tmp_path: Path, image: bytes
) -> None:
    """With a low threshold, for faint and overlapping boxes to count."""
    options: Options = {"score_threshold": 0.01}
    (tmp_path / "image").write_bytes(image)
    command = [sys.executable, "-m", "umop.cli", "predict", str(bundle_path), "image"]
    done = subprocess.run(
        [*command, "--score", "0.01"], cwd=tmp_path, capture_output=True, check=True, timeout=60
    )
    [by_command] = json.loads(done.stdout)["results"]
    _, by_torchserve = predict(torchserve, image, **options)
    by_service = httpx.post(f"{server}/detect", params=options, content=image).json()
    by_python = Detector.load(bundle_path).predict(image, **options).to_dict()
    assert len(by_command["detections"]) > 2
    for answer in (by_torchserve, by_service, by_python):
        assert answer["image"] == by_command["image"]
        assert answer["detections"] == by_command["detections"]


def flat(answer: dict[str, Any]) -> list[Any]:
    found = answer["detections"]
    numbers = [[each["class_id"], each["score"], *each["box"].values()] for each in found]
    return [len(found), *(number for row in numbers for number in row)]


def test_one_batch_holds_different_wishes_and_one_bad_image(
    torchserve: RunningTorchServe,
) -> None:
    small = encode(paint(320, 256, ("green", 32, 64, 32)))
    requests: list[tuple[bytes, dict[str, Any]]] = [
        (PNG, {"classes": ["red"], "max_detections": 1}),
        (PNG[:2000], {}),
        (small, {"score_threshold": 0.99}),
        (PNG, {"classes": ["blue"], "max_detections": 1}),
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: predict(torchserve, each[0], **each[1]), requests))
    assert [status for status, _ in answers] == [200, 422, 200, 200]
    bad = answers.pop(1)[1]
    assert bad["type"] == "urn:umop:problem:broken-image"
    labels = [[each["label"] for each in body["detections"]] for _, body in answers]
    assert labels == [["red"], ["green"], ["blue"]]
    times = {body["timing_ms"]["inference"] for _, body in answers}
    assert len(times) == 1, "the network ran them as one batch"


@pytest.mark.parametrize(
    ("image", "options", "status", "kind"),
    [
        (b"hello", {}, 415, "unsupported-image"),
        (b"", {}, 415, "unsupported-image"),
        (PNG, {"classes": ["cat"]}, 422, "unknown-class"),
        (PNG, {"score_threshold": 2}, 422, "invalid-request"),
        (PNG, {"surprise": 2}, 422, "invalid-request"),
    ],
)
def test_a_mistake_is_a_problem(
    torchserve: RunningTorchServe, image: bytes, options: dict[str, Any], status: int, kind: str
) -> None:
    seen, problem = predict(torchserve, image, **options)
    assert (seen, problem["status"]) == (status, status)
    assert problem["type"] == f"urn:umop:problem:{kind}"
    assert problem["detail"]


def test_an_image_sent_as_a_web_form_is_explained(torchserve: RunningTorchServe) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{torchserve.url}/predictions/{NAME}"
    answer = httpx.post(url, content=PNG, headers=headers, timeout=30)
    assert answer.status_code == 422
    assert "send it as the body with its own Content-Type" in answer.json()["detail"]


def test_the_front_passes_problems_on(front: RunningServer) -> None:
    answer = httpx.post(f"{front.url}/detect", content=PNG[:2000])
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:umop:problem:broken-image"
    assert httpx.get(f"{front.url}/readyz").status_code == 200


def test_kserve_v2_answers_like_the_front(torchserve: RunningTorchServe, server: str) -> None:
    message = {
        "id": "7",
        "inputs": [
            {
                "name": "image",
                "shape": [2],
                "datatype": "BYTES",
                "data": [base64.b64encode(PNG).decode()] * 2,
            }
        ],
        "parameters": {"classes": "red", "score_threshold": 0.9},
    }
    one, other = (
        httpx.post(f"{url}/v2/models/{NAME}/infer", json=message, timeout=30).json()
        for url in (torchserve.url, server)
    )
    assert one == other
    assert one["outputs"][0]["data"] == [1, 1]


def test_a_wrong_kserve_message_is_a_problem(torchserve: RunningTorchServe) -> None:
    message = {"inputs": [{"name": "image", "shape": [1], "datatype": "FP32", "data": [1]}]}
    answer = httpx.post(f"{torchserve.url}/v2/models/{NAME}/infer", json=message, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:umop:problem:invalid-tensors"


def test_a_body_beyond_the_limit_is_refused(torchserve: RunningTorchServe) -> None:
    answer = httpx.post(
        f"{torchserve.url}/predictions/{NAME}", content=b"x" * (20 * 2**20 + 1), timeout=30
    )
    assert answer.status_code == 413


def test_the_model_api_is_off(torchserve: RunningTorchServe) -> None:
    register = httpx.post(f"{torchserve.management}/models", params={"url": "squares.mar"})
    unregister = httpx.delete(f"{torchserve.management}/models/{NAME}")
    assert (register.status_code, unregister.status_code) == (405, 405)


def test_prometheus_is_answered(torchserve: RunningTorchServe) -> None:
    predict(torchserve, PNG)
    metrics = httpx.get(f"{torchserve.metrics}/metrics").text
    assert 'ts_inference_requests_total{model_name="squares"' in metrics


def test_it_listens_on_loopback_only(torchserve: RunningTorchServe) -> None:
    addresses = {
        each.laddr.ip.removeprefix("::ffff:")
        for worker in torchserve.workers()
        for process in (worker, *worker.parents()[:1])
        for each in process.net_connections(kind="tcp")
        if each.status == "LISTEN"
    }
    assert addresses == {"127.0.0.1"}


def test_without_torchserve_the_front_is_not_ready_and_recovers(
    bundle_path: Path, archive: Path
) -> None:
    [port] = free_ports(1)
    options = ("--backend", "torchserve", "--torchserve-url", f"http://127.0.0.1:{port}")
    with running("--bundle", str(bundle_path), *options) as front:
        for _ in range(5):
            answer = httpx.post(f"{front.url}/detect", content=PNG)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["detail"] == "TorchServe is down", "the breaker is open"
        assert httpx.get(f"{front.url}/readyz").status_code == 503
        with torchserving(archive, "--drain-timeout", "1", port=port):
            wait_until(lambda: httpx.get(f"{front.url}/readyz").status_code == 200)
            assert httpx.post(f"{front.url}/detect", content=PNG).status_code == 200
