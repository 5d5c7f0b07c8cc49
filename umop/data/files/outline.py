"""The structure of a JSON file, read only from its start."""

from __future__ import annotations

import json
import re
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s,:]*")
_DEEPEST = 12
_ENTRIES = 3
_KEYS = 64
_LONGEST = 200
_SAYS_LITTLE = ("licenses", "info", "categories", "contributors")


def outline(text: str) -> Any:
    """What the start of a JSON text holds; None where it is not JSON.

    Of a value that is cut off, the parts before the cut are kept; of several values one after the
    other, as in JSON lines, the first. Lists are cut to their first entries.
    """
    try:
        return _shortened(_partial(text, _SPACE.match(text).end(), 0))  # type: ignore[union-attr]
    except RecursionError:
        return None


def is_telling(content: Any) -> bool:
    """Whether an outline has the part by which its kind is known: a list of objects with keys."""
    if isinstance(content, dict):
        return any(
            isinstance(value, list) and any(isinstance(entry, dict) for entry in value)
            for key, value in content.items()
            if key not in _SAYS_LITTLE
        )
    return bool(content)


def entries(content: Any, key: str) -> list[dict[str, Any]]:
    """The first objects of a list that an outline's object has under a key."""
    found = content.get(key) if isinstance(content, dict) else None
    return json_objects(found)


def json_objects(content: Any) -> list[dict[str, Any]]:
    """The objects of an outline that is a list; nothing of another."""
    return [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []


def _partial(text: str, at: int, depth: int) -> Any:
    """The value at a place, or its parts before the text is cut off."""
    try:
        return _DECODER.raw_decode(text, at)[0]
    except ValueError:
        if depth < _DEEPEST and text[at : at + 1] in ("[", "{"):
            return (_partial_list if text[at] == "[" else _partial_object)(text, at + 1, depth)
        return None


def _partial_list(text: str, at: int, depth: int) -> list[Any]:
    found: list[Any] = []
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        try:
            value, at = _DECODER.raw_decode(text, at)
        except ValueError:
            last = _partial(text, at, depth + 1)
            return found if last is None else [*found, last]
        found.append(value)


def _partial_object(text: str, at: int, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        try:
            key, at = _DECODER.raw_decode(text, at)
        except ValueError:
            return found
        if not isinstance(key, str):
            return found
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        try:
            found[key], at = _DECODER.raw_decode(text, at)
        except ValueError:
            found[key] = _partial(text, at, depth + 1)
            return found


def _shortened(value: Any) -> Any:
    """A value with its lists, objects and texts cut short, since many are kept."""
    if isinstance(value, list):
        return [_shortened(each) for each in value[:_ENTRIES]]
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in list(value.items())[:_KEYS]}
    return value[:_LONGEST] if isinstance(value, str) else value
