"""Fixtures of the tests of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from umop.runs.folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "here").mkdir()
    return RunFolder(tmp_path / "here" / "trees")
