"""Each package has a folder of tests with the same path, and each folder of tests its package."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def folders(root: Path, pattern: str) -> set[str]:
    """The folders in ``root``, itself included, that hold a file; ``configs`` is a link."""
    holding = {path.parent.relative_to(root) for path in root.rglob(pattern)}
    return {folder.as_posix() for folder in holding if "configs" not in folder.parts}


@pytest.mark.parametrize("half", ["umop", "serving"])
def test_tests_lie_where_the_code_lies(half: str) -> None:
    packages = folders(ROOT / half, "*.py")
    assert len(packages) > 15
    assert packages - folders(ROOT / "tests" / half, "test_*.py") == set()
    parts = folders(ROOT / half, "*")
    assert folders(ROOT / "tests" / half, "*.py") - parts == set(), "these have no package"
