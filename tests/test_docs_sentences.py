"""The site's prose is in sentences of at most 25 words; tables, code and headings are not prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blocks import ROOT

MOST = 25
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
PARAGRAPH = re.compile(r"\n\s*\n|\n(?= *(?:[-*]|\d+\.) )")
END = re.compile(r"(?<=[.!?])[)\"*]*\s+")


def sentences(text: str) -> Iterator[str]:
    """A page's sentences; a span of code is one word, and a link is what it shows."""
    text = COMMENT.sub("", CODE.sub("", text))
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", text))
    for paragraph in PARAGRAPH.split(text):
        if not paragraph.lstrip().startswith(("|", "#", ":::")):
            yield from END.split(paragraph)


def words(sentence: str) -> list[str]:
    return [word for word in sentence.split() if re.search(r"\w", word)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short(page: Path) -> None:
    found = sentences(page.read_text("utf-8"))
    assert [each for each in found if len(words(each)) > MOST] == []


def test_a_long_sentence_would_be_seen() -> None:
    passed_over = "# Title\n\n| a | table |\n\n```sh\nmake demo\n```\n\n"
    text = passed_over + "Short. See [`a b`](c.md) " + "so " * 24
    assert [len(words(each)) for each in sentences(text)] == [1, 26]
