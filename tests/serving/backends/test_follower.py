"""A new bundle at an address takes the old one's place while requests are answered."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from serving.storage import Store
from tests.serving.bundle.test_remote import upload
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.running import running
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage

pytestmark = pytest.mark.slow
PNG = encode(TWO_SQUARES)


def version(client: TestClient | httpx.Client) -> str:
    [model] = client.get("/models").json()
    return str(model["version"])


def detail(client: TestClient) -> str | None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    found = answer.json().get("detail")
    return None if found is None else str(found)


def failing(client: TestClient) -> bool:
    return "umop_bundle_failing 1.0" in client.get("/metrics").text


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))


def test_no_request_is_lost_while_a_new_bundle_takes_the_place(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    upload(make_bundle(tmp_path / "1.bundle", version="1"), place)
    answers: list[int] = []
    ended = threading.Event()
    with (
        running("--bundle", place, "--bundle-poll", "0.2", "--threads", "1") as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):

        def ask() -> None:
            while not ended.is_set():
                answers.append(server.detect(PNG).status_code)

        askers = [threading.Thread(target=ask) for _ in range(2)]
        for each in askers:
            each.start()
        upload(make_bundle(tmp_path / "2.bundle", version="2"), place)
        wait_until(lambda: version(client) == "2")
        ended.set()
        for each in askers:
            each.join()
    assert set(answers) == {200}


def test_a_bad_bundle_leaves_the_old_one_and_says_so(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    upload(make_bundle(tmp_path / "1.bundle", version="1"), place)
    second = make_bundle(tmp_path / "2.bundle", version="2")
    network = (second / "model.onnx").read_bytes()
    with TestClient(build_app(Settings(bundle=place, bundle_poll=0.1, threads=1))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert (detail(client), failing(client)) == (None, False)
        (second / "model.onnx").write_bytes(network[:-1] + b"\0")
        upload(second, place)
        wait_until(lambda: "model.onnx is damaged" in (detail(client) or ""))
        assert failing(client)
        assert version(client) == "1"
        assert client.post("/detect", content=PNG).status_code == 200
        Store(place).write("model.onnx", network)
        wait_until(lambda: version(client) == "2")
        wait_until(lambda: (detail(client), failing(client)) == (None, False))


def test_storage_that_fails_for_a_while_is_said_and_forgotten(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    upload(make_bundle(tmp_path / "1.bundle", version="1"), place)
    with TestClient(build_app(Settings(bundle=place, bundle_poll=0.1, threads=1))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        storage.fault = lambda method, path: Fault(status=403)
        wait_until(lambda: "access is denied" in (detail(client) or ""))
        storage.fault = lambda method, path: None
        storage.forget()
        wait_until(lambda: detail(client) is None)
        assert storage.fetched() == []


def test_a_bundle_in_a_folder_is_followed_too(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "squares.bundle", version="1")
    with TestClient(build_app(Settings(bundle=bundle, bundle_poll=0.1, threads=1))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        make_bundle(tmp_path / "new.bundle", version="2")
        bundle.rename(tmp_path / "old.bundle")
        (tmp_path / "new.bundle").rename(bundle)
        wait_until(lambda: version(client) == "2")


def test_only_models_of_this_process_are_followed() -> None:
    with pytest.raises(ValueError, match="only embedded can follow"):
        Settings(bundle_poll=60, backend="torchserve")
