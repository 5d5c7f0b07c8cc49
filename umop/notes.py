"""What a user should know while a command runs."""

from __future__ import annotations

from rich.console import Console

console = Console(stderr=True, soft_wrap=True, highlight=False)


def note(text: str) -> None:
    """Prints a line to stderr."""
    console.print(text, markup=False)
