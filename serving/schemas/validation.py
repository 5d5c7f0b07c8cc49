"""What is wrong with a document, in one line."""

from __future__ import annotations

from pydantic import ValidationError


def first_error(error: ValidationError, whole: str) -> str:
    """Says where a document breaks its schema first, and how.

    Args:
        error: What pydantic found.
        whole: What the document is called, for an error that is of no field.
    """
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return f"{where}: {first['msg']}"
