"""Bounds of the JSON that callers send, and its validation errors in one line."""

from __future__ import annotations

from pydantic import ValidationError

MOST_VALUES = 4096
"""Most values in one JSON document: a request has few, and its images are one string each."""


class TooManyValuesError(ValueError):
    """The JSON holds more values than any request needs."""


def require_few_values(document: bytes) -> None:
    """Bounds what parsing JSON costs, before it is parsed.

    Every value but the first follows a bracket or a comma. Those in strings count as well: base64
    has none.

    Raises:
        TooManyValuesError: There may be more than ``MOST_VALUES``.
    """
    if sum(map(document.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooManyValuesError(f"the JSON has more than {MOST_VALUES} values")


def first_error(error: ValidationError, whole: str) -> str:
    """Describes the first error of a document.

    Args:
        error: What pydantic found.
        whole: The document's name, for an error that belongs to no field.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return f"{where}: {first['msg']}"
