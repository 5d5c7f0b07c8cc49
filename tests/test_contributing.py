"""Who follows an example of CONTRIBUTING.md passes the checks of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contributing import EXAMPLES, REGISTRATIONS, ROOT, copy_with_examples
from tests.test_private_names import USERS


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's code and pages to which all examples were added."""
    tree = copy_with_examples(tmp_path_factory.mktemp("contributed"))
    for folder in (*USERS, "docs"):
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).glob("*.md")]:
            copy = tree / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    for path in (*ROOT.glob("*.md"), ROOT / "pyproject.toml"):
        shutil.copy(path, tree)
    return tree


def run(tree: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", *arguments]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_style_is_right(tree: Path) -> None:
    changed = [*EXAMPLES, *(path for path, _ in REGISTRATIONS)]
    run(tree, "ruff", "check", *changed)
    run(tree, "ruff", "format", "--check", *changed)


@pytest.mark.slow
def test_the_names_are_right(tree: Path) -> None:
    checks = ("tests/test_names.py", "tests/test_private_names.py")
    run(tree, "pytest", "-q", "-p", "no:cacheprovider", *checks)
