"""Writes docs/commands.md from the commands' own help: ``make docs``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import typer

import serving.cli
import umop.cli

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
START = """\
# Commands

`make docs` writes this page from what `--help` of each command says. `make help` lists the shorter
forms.

Every command ends with 0 where it has done its work, and with 2 and one line after a mistake of the
user. Training and `umop compare` have [more exit codes](distributed.md#stop-and-resume).
"""
SETTINGS = """
Each [setting of the service](configuration.md#the-service) is an option, too.
"""


def page() -> str:
    """The content of the page."""
    commands = [("umop", umop.cli.app), ("umop-serve", serving.cli.app)]
    return START + "".join(text for name, app in commands for text in sections(name, app))


def sections(name: str, app: typer.Typer) -> Iterator[str]:
    """A section for a program and one for each of its commands."""
    command: Any = typer.main.get_command(app)
    yield f"\n## {name}\n\n{paragraphs(command.help)}\n"
    if name == "umop-serve":
        yield SETTINGS
    yield from subsections(name, command)


def subsections(name: str, group: Any) -> Iterator[str]:
    """A section for each command of a group, those of groups in it included."""
    for part, command in group.commands.items():
        path = f"{name} {part}"
        if hasattr(command, "commands"):
            yield from subsections(path, command)
        elif not command.hidden:
            yield f"\n### {path}\n\n{paragraphs(command.help)}\n{table(path, command)}"


def table(path: str, command: Any) -> str:
    """What a command takes: arguments first, as its help lists them."""
    context = command.make_context(path, [], resilient_parsing=True)
    records = [one.get_help_record(context) for one in command.params if one.name != "help"]
    rows = [f"| {code(name)} | {cell(meaning)} |\n" for name, meaning in filter(None, records)]
    return "\n| takes | |\n|---|---|\n" + "".join(rows) if rows else ""


def code(text: str) -> str:
    """What is typed, in a table's cell: not every Markdown has bars between backticks there."""
    named = re.sub(r"<list\[(\w+)\]>", lambda repeated: f"<{repeated[1].lower()}>", text)
    return f"<code>{entities(named)}</code>" if "|" in named else f"`{named}`"


def cell(text: str) -> str:
    """A help text in a table's cell."""
    return re.sub(r"([][*])", r"\\\1", entities(" ".join(text.split())))


def entities(text: str) -> str:
    """A text without letters that a table or HTML would take for its own."""
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")


def paragraphs(text: str) -> str:
    """A command's description, wrapped."""
    return "\n\n".join(fill(one, 110) for one in text.replace("\b", "").split("\n\n"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
