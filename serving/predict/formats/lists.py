"""Lists of JSON that are longer than memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def json_list(entries: Iterable[str]) -> Iterator[str]:
    """A JSON list of entries that are JSON, a line each."""
    yield "["
    separator = "\n"
    for entry in entries:
        yield f"{separator}{entry}"
        separator = ",\n"
    yield "\n]"
