"""Bundles, clients and servers that the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.images import TILES
from tests.serving.make_bundle import make_bundle
from tests.serving.running import running
from tests.serving.waiting import wait_until


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares bundle."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "squares.bundle")


@pytest.fixture(scope="session")
def slow_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares bundle with a network that takes a while."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "slow.bundle", layers=5)


@pytest.fixture(scope="session")
def tiled_bundle_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares bundle, for large images with small squares."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "tiled.bundle", tiles=TILES)


@pytest.fixture(scope="session")
def server(bundle_path: Path) -> Iterator[str]:
    """The address of a real server of the squares bundle, in a process of its own."""
    with running("--bundle", str(bundle_path), "--threads", "1") as server:
        yield server.url


@pytest.fixture
def settings(bundle_path: Path) -> Settings:
    """Settings that serve the squares bundle."""
    return Settings(bundle=bundle_path, threads=1)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the service, once it is ready."""
    with TestClient(build_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client
