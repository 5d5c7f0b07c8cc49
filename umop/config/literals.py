"""Reads Python literals that anybody may have written."""

from __future__ import annotations

import ast


def read_literal(source: str | ast.expr) -> object:
    """The value of a literal.

    Raises:
        ValueError: It is none, or none that can be evaluated, as ``{[]: 1}``.
    """
    try:
        return ast.literal_eval(source)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(str(error)) from error
