"""What the tests of data share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.samples import coco


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, which remembers nothing."""
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small data set in COCO's layout."""
    return coco(tmp_path / "data")
