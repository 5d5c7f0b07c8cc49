"""Validation errors in one line."""

from __future__ import annotations

from pydantic import ValidationError


def first_error(error: ValidationError, whole: str) -> str:
    """Describes the first error of a document.

    Args:
        error: What pydantic found.
        whole: The document's name, for an error that belongs to no field.
    """
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return f"{where}: {first['msg']}"
