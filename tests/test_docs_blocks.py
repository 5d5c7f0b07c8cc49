"""Every block of commands in the docs says whether a test runs it, and can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import serving.cli
import umop.cli
from tests.blocks import ROOT, Block, blocks

BLOCKS = list(blocks())
FILES = r"[\w./]+(, [\w./]+)*"
MARK = re.compile(rf"tested: {FILES}|tested in part: {FILES}; \w.*|not tested: \w.*")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROGRAMS = {"umop": umop.cli.app, "umop-serve": serving.cli.app}


def each(found: list[Block]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", found, ids=[block.place for block in found])


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each ``umop`` and ``umop-serve`` command, up to a pipe or the like."""
    for line in block.code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words = [*lexer, ";"]
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words[0] in PROGRAMS:
            yield words[: next(at for at, word in enumerate(words) if word[0] in "|&;<>")]


def makes(block: Block) -> list[str]:
    """The words of each ``make`` command."""
    said = re.findall(r"(?:^|&& )make ([^#&|\n]*)", block.code, re.MULTILINE)
    return [word for words in said for word in shlex.split(words)]


def understand(command: Any, words: list[str]) -> None:
    """Reads arguments as the program does, without running anything."""
    context = command.make_context(command.name, list(words))
    rest = [*context._protected_args, *context.args]
    if isinstance(command, TyperGroup) and rest:
        _, subcommand, others = command.resolve_command(context, rest)
        understand(subcommand, others)


def test_every_block_of_commands_is_a_block_of_its_language() -> None:
    """So that none is without a mark because it is a plain one."""
    starts = re.compile(r"^ *```\n *(?:umop|umop-serve|make|curl|pip|python|kubectl|docker) ", re.M)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert [page.name for page in pages if starts.search(page.read_text("utf-8"))] == []


@each(BLOCKS)
def test_it_says_whether_a_test_runs_it(block: Block) -> None:
    assert MARK.fullmatch(block.mark), f"{block.place}: {block.mark or 'no mark'}"
    assert [name for name in block.tests if not (ROOT / name).is_file()] == []


@each([block for block in BLOCKS if any(commands(block))])
def test_its_commands_have_the_options_that_they_name(block: Block) -> None:
    for program, *words in commands(block):
        understand(typer.main.get_command(PROGRAMS[program]), words)


def test_an_option_that_is_not_there_would_be_seen() -> None:
    with pytest.raises(Exception, match="No such option: --nothing"):
        understand(typer.main.get_command(PROGRAMS["umop"]), ["train", "small", "--nothing"])


@each([block for block in BLOCKS if makes(block)])
def test_make_knows_what_it_is_asked_for(block: Block) -> None:
    for word in makes(block):
        variable, is_set, _ = word.partition("=")
        known = rf"^{variable} \?=|\({variable}\)" if is_set else rf"^{word}:"
        assert re.search(known, MAKEFILE, re.MULTILINE), word
