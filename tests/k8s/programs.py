"""Command lines in manifests, parsed as the programs do."""

from __future__ import annotations

from typing import Any


def parse(command: Any, words: list[str]) -> Any:
    """Parses a command line as the program does, and runs nothing.

    Raises:
        UsageError: It does not take it.
    """
    context = command.make_context(words[0], words[1:])
    if hasattr(command, "resolve_command"):  # a group: typer has a click of its own
        name, chosen, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert chosen is not None
        return parse(chosen, [str(name), *rest])
    return context
