"""What ``umop runs`` lists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from umop.runs.listing import runs_in

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_what_the_file_system_has_of_its_own_is_no_run(tmp_path: Path) -> None:
    for name in ("trees", "lost+found"):
        (tmp_path / name).mkdir()
    assert [row.name for row in runs_in(tmp_path)] == ["trees"]


def test_a_run_that_may_not_be_read_is_listed_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, mode in (("secret", 0), ("trees", 0o755)):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name).chmod(mode)
    tmp_path.chmod(0o755)
    with as_nobody():
        found = {row.name: row.state for row in runs_in(Path("runs"))}
    (tmp_path / "runs" / "secret").chmod(0o755)
    assert found == {"secret": "unreadable", "trees": "empty"}
