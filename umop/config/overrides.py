"""Changes a config from the command line: ``--set name=value``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config, ConfigDict

from umop.config.keys import BUILDERS_KEYS, known_keys
from umop.config.literals import read_literal
from umop.system.errors import UserError

_MOST_EXACT = 2**53
"""The largest number up to which a float holds each whole one."""


@dataclass(frozen=True)
class Assignment:
    """What one ``--set`` says.

    Attributes:
        name: Dotted, such as ``optim_wrapper.optimizer.lr``.
        text: The value as it was typed.
    """

    name: str
    text: str

    @classmethod
    def parse(cls, argument: str) -> Assignment:
        """Reads ``name=value``.

        Raises:
            UserError: It is something else.
        """
        name, equals, text = argument.partition("=")
        if not equals or not name:
            raise UserError(f"'{argument}' must be written as name=value.")
        return cls(name, text)

    @property
    def keys(self) -> list[str]:
        return self.name.split(".")

    @property
    def value(self) -> object:
        """The value of a Python literal; the text itself where it is none."""
        try:
            return read_literal(self.text)
        except ValueError:
            return self.text


def override(config: Config, assignments: Sequence[str | Assignment]) -> None:
    """Changes values of a config.

    Args:
        config: The config, changed in place.
        assignments: Such as ``optim_wrapper.optimizer.lr=0.001``; values are Python literals, and
            text where they are not.

    Raises:
        UserError: An assignment has no ``=``, names nothing that the config knows, or has a value
            of the wrong type.
    """
    for one in assignments:
        _assign(config, Assignment.parse(one) if isinstance(one, str) else one)


def _assign(config: Config, assignment: Assignment) -> None:
    """Changes one value.

    Raises:
        UserError: The name is unknown, or the value of the wrong type.
    """
    *path, last = assignment.keys
    parent: Any = config
    for depth, key in enumerate(path):
        _require_key(parent, key, path[:depth], assignment)
        parent = _child(parent, key)
    _require_key(parent, last, path, assignment, new=True)
    before = _child(parent, last)
    value = check_kind(assignment, before)
    _replace(parent, last, _merged(value, before) if isinstance(value, dict) else value)


def _merged(changes: dict[str, Any], before: Any) -> ConfigDict:
    """A section with some of its keys changed; ``_delete_=True`` drops the others."""
    kept = {} if changes.get("_delete_") else before or {}
    changes = {key: value for key, value in changes.items() if key != "_delete_"}
    return ConfigDict({**kept, **changes})


def _child(parent: Any, key: str) -> Any:
    """The part of a section or list that a key names; None where it is new."""
    return parent[int(key)] if isinstance(parent, list | tuple) else parent.get(key)


def _replace(parent: Any, key: str, value: object) -> None:
    """Puts a value into a section or list.

    Args:
        parent: The section or list, changed in place.
        key: Name in the section, or index in the list.
        value: What is put there.
    """
    if isinstance(parent, list):
        parent[int(key)] = value
    else:
        parent[key] = value


def _require_key(
    parent: Any, key: str, path: list[str], assignment: Assignment, new: bool = False
) -> None:
    """Checks that a key names a part of a section or list.

    Args:
        parent: The section or list.
        key: One part of the dotted name.
        path: The parts before it.
        assignment: The whole.
        new: Whether a key may be added that the section has not, but knows.

    Raises:
        UserError: It does not.
    """
    where = ".".join([*path, key])
    unknown = f"--set {assignment.name}: the config has nothing called '{where}' to set."
    if isinstance(parent, list):
        if not key.isdigit() or int(key) >= len(parent):
            raise UserError(f"{unknown} '{'.'.join(path)}' is a list of {len(parent)}, from 0.")
    elif isinstance(parent, dict | Config):
        known = set(parent) | ((known_keys(parent, path) or set()) if new else set())
        if key not in known:
            raise UserError(f"{unknown}{_instead(key, path, known)}")
    else:
        raise UserError(f"{unknown} '{'.'.join(path)}' is {parent!r} and has no parts.")


def _instead(key: str, path: list[str], known: set[str]) -> str:
    """Names the nearest of a section's keys, or all of them where none is near.

    At the top of a config, which has many, only the nearest is named.
    """
    if close := get_close_matches(key, sorted(known), n=1):
        return f" Did you mean '{'.'.join([*path, *close])}'?"
    if not path:
        return ""
    return f" {'.'.join(path)} has: {', '.join(sorted(known - BUILDERS_KEYS))}."


def check_kind(assignment: Assignment, before: object) -> object:
    """The value of an assignment, of the kind that is there: a float where that is one.

    mmdet's settings take a number or a list in many places, so one may replace the other. None
    replaces anything but a number, and is replaced by anything.

    Raises:
        UserError: It is of another kind.
    """
    value = assignment.value
    if isinstance(before, str) and value is not None:
        return value if isinstance(value, str) else assignment.text
    if isinstance(before, float) and type(value) is int and abs(value) <= _MOST_EXACT:
        return float(value)
    kind = _kind(before)
    if before is None or (value is None and kind != "a number"):
        return value
    if _kind(value) in _REPLACEABLE.get(kind, ()):
        return value
    raise UserError(
        f"--set {assignment.name}={assignment.text}: this must be {kind}, such as "
        f"{_shortened(before)}."
    )


_REPLACEABLE = {
    "True or False": {"True or False"},
    "a number": {"a number", "a list"},
    "a list": {"a number", "a list", "a list of sections"},
    "a list of sections": {"a list", "a list of sections"},
    "a section": {"a section"},
}
"""The kinds of values that may take the place of a kind."""


def _kind(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return "True or False"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list of sections" if any(isinstance(part, dict) for part in value) else "a list"
    return "a section" if isinstance(value, dict) else "text"


def _shortened(value: object) -> str:
    """A value on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
