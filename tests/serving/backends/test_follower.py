"""A new bundle at an address takes the old one's place while requests are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from serving.backends.choice import choose_models
from serving.backends.embedded import EmbeddedBackend
from serving.backends.follower import Follower
from serving.backends.models import Models
from serving.bundle.remote import version_of
from serving.inference.engines import EngineError
from serving.observability.metrics import Metrics
from serving.server.app import build_app
from serving.settings import Settings
from serving.storage import Store
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.running import asked, running
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage, upload

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
    with (
        running("--bundle", place, "--bundle-poll", "0.2", "--threads", "1") as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
        asked(server, PNG) as answers,
    ):
        upload(make_bundle(tmp_path / "2.bundle", version="2"), place)
        wait_until(lambda: version(client) == "2")
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


def test_a_look_that_fails_in_any_way_is_said_and_is_not_the_last(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(bundle=bundle_path, bundle_poll=0.1, threads=1)
    with TestClient(build_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        with monkeypatch.context() as patched:
            patched.setattr("serving.backends.follower.version_of", lambda _: 1 / 0)
            wait_until(lambda: "ZeroDivisionError" in (detail(client) or ""))
        wait_until(lambda: detail(client) is None)


def test_a_bundle_in_a_folder_is_followed_too(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "squares.bundle", version="1")
    with TestClient(build_app(Settings(bundle=bundle, bundle_poll=0.1, threads=1))) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        make_bundle(tmp_path / "new.bundle", version="2")
        bundle.rename(tmp_path / "old.bundle")
        (tmp_path / "new.bundle").rename(bundle)
        wait_until(lambda: version(client) == "2")


async def following(place: Path) -> tuple[Follower, Models]:
    """A model of a place that is looked at whenever the test does it."""
    settings, metrics = Settings(bundle=place, bundle_poll=3600, threads=1), Metrics()
    models = choose_models(settings, metrics)
    await models.start()
    return Follower(settings, models, metrics), models


@pytest.fixture
def versions(tmp_path: Path) -> Callable[[str], Path]:
    """Puts a version into one place, where another may be."""
    for each in "123":
        make_bundle(tmp_path / each, version=each)
    place = tmp_path / "live.bundle"
    there: list[str] = []

    def put(version: str) -> Path:
        if there:
            place.rename(tmp_path / there.pop())
        there.append(version)
        return (tmp_path / version).rename(place)

    return put


def test_a_bundle_that_comes_back_after_a_reload_answers_again(
    versions: Callable[[str], Path],
) -> None:
    async def answering() -> str:
        follower, models = await following(versions("1"))
        versions("2")
        await models.reload()
        versions("1")
        assert await follower._look(0) is None
        return models.manifests()[0].version

    assert asyncio.run(answering()) == "1"


def test_a_bundle_that_changes_before_it_is_loaded_is_not_taken_for_another(
    versions: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(place: str | Path) -> str:
        found = version_of(place)
        versions("3")
        return found

    async def answering() -> list[str]:
        follower, models = await following(versions("1"))
        versions("2")
        found = []
        for look in (late, version_of):
            monkeypatch.setattr("serving.backends.follower.version_of", look)
            assert await follower._look(0) is None
            found.append(models.manifests()[0].version)
            versions("2")
        return found

    assert asyncio.run(answering()) == ["3", "2"]


def test_a_refusal_is_forgotten_once_a_reload_loads_what_was_refused(
    versions: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineError("no memory")

    async def said() -> list[str | None]:
        follower, models = await following(versions("1"))
        versions("2")
        with monkeypatch.context() as full:
            full.setattr(EmbeddedBackend, "_warm", fail)
            refused = await follower._look(0)
        again = await follower._look(0)
        await models.reload()
        return [refused, again, await follower._look(0)]

    reason = "a new bundle cannot be loaded: no memory"
    assert asyncio.run(said()) == [reason, reason, None]


def test_a_bundle_is_not_refused_for_one_that_was_there_for_a_moment(
    versions: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "3" / "model.onnx").write_bytes(b"broken")

    def late(place: str | Path) -> str:
        found = version_of(place)
        versions("3")
        return found

    async def answering() -> str:
        follower, models = await following(versions("1"))
        versions("2")
        with monkeypatch.context() as moving:
            moving.setattr("serving.backends.follower.version_of", late)
            assert "model.onnx" in (await follower._look(0) or "")
        versions("2")
        assert await follower._look(0) is None
        return models.manifests()[0].version

    assert asyncio.run(answering()) == "2"


def test_only_models_of_this_process_are_followed() -> None:
    with pytest.raises(ValueError, match="only embedded can follow"):
        Settings(bundle_poll=60, backend="torchserve")
