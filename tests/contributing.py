"""The worked examples of CONTRIBUTING.md, and a copy of the code to which they were added."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
_PLACE = r"`((?:serving|umop)/[\w/]+\.py)`"
EXAMPLES = dict(re.findall(rf"This is\s{_PLACE}[^:]*:\n\n```python\n(.*?)```", _PAGE, re.DOTALL))
"""The text of each new module by its path."""
REGISTRATIONS = re.findall(
    rf"is registered in {_PLACE}[^:]*:\n\n```diff\n(.*?)```", _PAGE, re.DOTALL
)
"""The path of a module that is changed, and the change."""


def copy_with_examples(target: Path) -> Path:
    """Copies ``serving`` and ``umop`` into a folder, and follows all examples there."""
    for package in ("serving", "umop"):
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, target / package, ignore=without)
    assert len(EXAMPLES) == len(REGISTRATIONS) == 4
    for name, text in EXAMPLES.items():
        assert not (target / name).exists()
        (target / name).write_text(text, "utf-8")
    for name, change in REGISTRATIONS:
        _apply(change, target / name)
    return target


def _apply(change: str, path: Path) -> None:
    """Applies each hunk of a diff where its old lines stand."""
    text = path.read_text("utf-8")
    for hunk in change.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        assert text.count(old) == 1, f"{path}: {old}"
        text = text.replace(old, "".join(line[1:] for line in lines if line[0] in " +"))
    path.write_text(text, "utf-8")
