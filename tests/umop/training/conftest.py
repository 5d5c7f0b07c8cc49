"""Processes that start without imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.umop.training.starter import Starter, starter


@pytest.fixture(scope="session")
def starts() -> Iterator[Starter]:
    with starter() as started:
        yield started


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder to train in, where ``runs/`` is there already."""
    (tmp_path / "runs").mkdir()
    return tmp_path
