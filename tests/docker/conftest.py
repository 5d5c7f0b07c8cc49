"""The images are there, and a bundle that every user may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.docker.containers import docker
from tests.serving.make_bundle import make_bundle


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips these tests unless ``make test-images``, which builds the images, runs them."""
    if "UMOP_TEST_IMAGES" not in os.environ:
        skip = pytest.mark.skip(reason="tests of containers: run make test-images")
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares bundle."""
    folder = tmp_path_factory.mktemp("bundles")
    for parent in (folder, folder.parent):
        parent.chmod(0o755)  # pytest's folders are for one user; the container's is another
    return make_bundle(folder / "squares.bundle")


@pytest.fixture(scope="session")
def slow_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The squares bundle with a network that takes more than a second."""
    folder = tmp_path_factory.mktemp("bundles")
    folder.chmod(0o755)
    return make_bundle(folder / "slow.bundle", layers=40)


@pytest.fixture
def network() -> Iterator[str]:
    """A network of Docker's, where containers find one another by name."""
    name = f"umop-test-{uuid4().hex[:8]}"
    docker("network", "create", name)
    try:
        yield name
    finally:
        docker("network", "rm", name)
