"""What the tests of data share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.data.samples import coco


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small data set in COCO's layout."""
    return coco(tmp_path / "data")
