"""What clients see while TorchServe changes: an upgrade, a killed worker, a stop."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from serving.torchserve.archive import WorkerOptions, write_archive
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.running import running
from tests.serving.service import service
from tests.serving.torchserving import RunningTorchServe, torchserving
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PNG = encode(TWO_SQUARES)
NAME = "squares"
CLIENTS = 3
# Insufficient storage, "out of memory", if TorchServe knows the exit code of `kill -9` in time.
WORKER_DIED = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.INSUFFICIENT_STORAGE)
OPTIONS = WorkerOptions(batch_size=4, threads=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of one model."""
    folder = tmp_path_factory.mktemp("store")
    for version in ("1", "2"):
        bundle = make_bundle(folder / f"{version}.bundle", version=version)
        name = NAME if version == "1" else f"{NAME}-{version}"
        write_archive(bundle, folder / f"{name}.mar", OPTIONS)
    return folder


@pytest.fixture
def torchserve(store: Path) -> Iterator[RunningTorchServe]:
    with torchserving(store / f"{NAME}.mar", "--model-api") as running:
        yield running


class Load:
    """Clients that ask one thing after another.

    Attributes:
        statuses: How often each status was answered; 0 where the connection was cut.
        versions: How often each version of the model answered.
    """

    def __init__(self, url: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.versions: Counter[str] = Counter()
        self._url = url
        self._stop = Event()
        self._clients = [Thread(target=self._ask_again_and_again) for _ in range(CLIENTS)]

    def start(self) -> None:
        for client in self._clients:
            client.start()

    def stop(self) -> None:
        """Lets every client finish the request that it is at."""
        self._stop.set()
        for client in self._clients:
            client.join()

    def _ask_again_and_again(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self._stop.is_set():
                self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        try:
            answer = client.post(self._url, content=PNG)
        except httpx.TransportError:
            self.statuses[0] += 1
            return
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            self.versions[answer.json()["model"]["version"]] += 1


@contextmanager
def load(torchserve: RunningTorchServe) -> Iterator[Load]:
    """Keeps clients asking while the context lasts."""
    with load_of(f"{torchserve.url}/predictions/{NAME}") as clients:
        yield clients


@contextmanager
def load_of(url: str) -> Iterator[Load]:
    clients = Load(url)
    clients.start()
    try:
        wait_until(lambda: clients.statuses[200] > 2 * CLIENTS)
        yield clients
    finally:
        clients.stop()


def test_a_new_version_takes_over_without_losing_a_request(torchserve: RunningTorchServe) -> None:
    models = f"{torchserve.management}/models"
    with httpx.Client(timeout=60) as manager, load(torchserve) as clients:
        archive = {"url": f"{NAME}-2.mar", "model_name": NAME}
        workers = {"initial_workers": "1", "synchronous": "true"}
        registered = manager.post(models, params={**archive, **workers})
        assert registered.status_code == 200, registered.text
        assert clients.versions["2"] == 0
        assert manager.put(f"{models}/{NAME}/2/set-default").status_code == 200
        wait_until(lambda: clients.versions["2"] > 2 * CLIENTS)
        assert manager.delete(f"{models}/{NAME}/1").status_code == 200
        after = clients.versions["2"]
        wait_until(lambda: clients.versions["2"] > after + 2 * CLIENTS)
    assert set(clients.statuses) == {200}
    assert len(torchserve.workers()) == 1


def test_a_killed_worker_fails_only_what_it_was_at_and_comes_back(
    torchserve: RunningTorchServe,
) -> None:
    [worker] = torchserve.workers()
    with load(torchserve) as clients:
        worker.kill()
        before = clients.statuses[200]
        wait_until(lambda: clients.statuses[200] > before + 2 * CLIENTS, seconds=60)
    [successor] = torchserve.workers()
    assert successor.pid != worker.pid
    failed = clients.statuses.total() - clients.statuses[200]
    assert failed <= CLIENTS, "requests in the queue wait for the new worker"
    assert failed == sum(clients.statuses[status] for status in WORKER_DIED)


def test_a_stop_answers_those_who_are_connected(torchserve: RunningTorchServe) -> None:
    with load(torchserve) as clients:
        torchserve.process.send_signal(signal.SIGTERM)
        asked = clients.statuses[200]
        wait_until(lambda: clients.statuses[200] > asked + 2 * CLIENTS)
        assert torchserve.process.poll() is None
    assert set(clients.statuses) == {200}
    assert torchserve.process.wait(20) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{torchserve.url}/ping")


@pytest.mark.parametrize("drain", ["30", "0"])
def test_a_front_loses_no_request_when_one_of_two_stops(store: Path, drain: str) -> None:
    """The Service sends new connections to the other, as it does during ``preStop``."""
    archive = store / f"{NAME}.mar"
    with ExitStack() as stack:
        first = stack.enter_context(torchserving(archive, "--drain-timeout", drain))
        second = stack.enter_context(torchserving(archive, "--drain-timeout", "1"))
        balancer = stack.enter_context(service(first.url))
        options = ("--backend", "torchserve", "--torchserve-url", balancer.url)
        front = stack.enter_context(running("--bundle", str(store / "1.bundle"), *options))
        clients = stack.enter_context(load_of(f"{front.url}/detect"))
        balancer.target = second.url
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(25) == 0, "connections grow old before the drain is over"
        asked = clients.statuses[200]
        wait_until(lambda: clients.statuses[200] > asked + 2 * CLIENTS)
    assert set(clients.statuses) == {200}


def test_a_front_takes_the_answer_of_another_runs_model(store: Path, tmp_path: Path) -> None:
    """As old and new pods meet in a rollout, where TorchServe has one name for any model."""
    other = make_bundle(tmp_path / "other.bundle", name="other", version="7")
    with torchserving(other, "--name", "detector") as torchserve:
        options = ("--backend", "torchserve", "--torchserve-url", torchserve.url)
        options += ("--remote-model", "detector")
        with running("--bundle", str(store / "1.bundle"), *options) as front:
            url = f"{front.url}/detect?score_threshold=0.9"
            answer = httpx.post(url, content=PNG, timeout=30).json()
    assert answer["model"] == {"name": "other", "version": "7"}
    assert len(answer["detections"]) == 2
