"""docs/commands.md says what the commands' help says."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_what_the_commands_say() -> None:
    generate = runpy.run_path(str(DOCS / "generate" / "commands.py"))
    assert (DOCS / "commands.md").read_text("utf-8") == generate["page"](), "run: make docs"
