"""docs/configuration.md says what the code does."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_what_the_code_says() -> None:
    generate = runpy.run_path(str(DOCS / "generate.py"))
    assert (DOCS / "configuration.md").read_text("utf-8") == generate["page"](), "run: make docs"
    assert set(generate["read_by_code"]()) == set(generate["TOP_LEVEL"])
