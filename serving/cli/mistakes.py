"""What a user can understand: one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


def mistake(message: str) -> typer.Exit:
    """Prints one line on standard error; raise what it returns."""
    print(f"umop-serve: {message}", file=sys.stderr)
    return typer.Exit(2)


@contextmanager
def one_line(*expected: type[Exception]) -> Iterator[None]:
    """Turns expected errors into one line and exit code 2."""
    try:
        yield
    except expected as error:
        raise mistake(str(error)) from None
