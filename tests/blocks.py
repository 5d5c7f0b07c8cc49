"""The command blocks of README.md and docs/, each with what the line before it says of its test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*) -->\n)?^ *```(?:sh|bash|python)\n(?P<code>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A block of commands or of Python.

    Attributes:
        place: Its page and line.
        mark: ``tested: FILES``, ``tested in part: FILES; HOW`` or ``not tested: WHY``; empty where
            it has none.
        code: What it holds.
    """

    place: str
    mark: str
    code: str

    @property
    def tests(self) -> list[str]:
        """The files that run it, or a part of it."""
        said, _, files = self.mark.partition(";")[0].partition(": ")
        return files.split(", ") if said in ("tested", "tested in part") else []


def blocks() -> Iterator[Block]:
    """Those of every page that a person writes."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text("utf-8")
        for found in _BLOCK.finditer(text):
            line = text.count("\n", 0, found.start("code"))
            place = f"{page.relative_to(ROOT)}:{line}"
            yield Block(place, found["mark"] or "", dedent(found["code"]))
