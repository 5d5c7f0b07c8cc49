"""Arguments of Python programs, which no command line has parsed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from serving.shared import Precision
from umop.runs.folder import RunFolder
from umop.system.errors import UserError


class _Kind(NamedTuple):
    """What an argument has to be: its types, and the words for them."""

    types: tuple[Any, ...]
    words: str


_PATH = _Kind((str, os.PathLike), "a path")
_TEXT = _Kind((str,), "text")
_SWITCH = _Kind((bool,), "True or False")
_FUNCTION = _Kind((Callable,), "a function")
_KINDS = {
    "config": _Kind((str, os.PathLike), "a config's name or a path"),
    "data": _PATH,
    "folder": _PATH,
    "name": _TEXT,
    "time": _Kind((str,), "text, such as '30m'"),
    "weights": _Kind((str, os.PathLike), "a run or a path"),
    "seed": _Kind((int,), "a whole number"),
    "set": _Kind((Mapping,), "a dictionary, such as {'optim_wrapper.optimizer.lr': 0.001}"),
    "dry_run": _SWITCH,
    "mirror": _TEXT,
    "on_step": _FUNCTION,
    "on_evaluation": _FUNCTION,
    "tta": _SWITCH,
    "version": _TEXT,
    "sample": _Kind((list, tuple), "a list of paths"),
    "force": _SWITCH,
    "other": _Kind((RunFolder,), "a run, such as umop.Run.named('cells-2')"),
}
_CHOICES = {"precision": get_args(Precision)}


def require_kinds(**given: object) -> None:
    """Refuses arguments of another type than they are declared with; None is for the default.

    Raises:
        UserError: There is one; the message is one line.
    """
    for name, value in given.items():
        if name in _CHOICES and value not in _CHOICES[name]:
            raise UserError(f"{name} must be one of {', '.join(_CHOICES[name])}, not {value!r}.")
        if name in _KINDS and value is not None:
            require_given(**{name: value})


def require_given(**given: object) -> None:
    """Refuses arguments of another type than they are declared with, None too.

    Raises:
        UserError: There is one, or one is empty text; the message is one line.
    """
    for name, value in given.items():
        if not isinstance(value, _KINDS[name].types):
            raise UserError(f"{name} must be {_KINDS[name].words}, not {value!r}.")
        if value == "":
            raise UserError(f"{name} is empty.")


def paths(**given: object) -> tuple[Path, ...]:
    """An argument that is a path or a list of paths; None is for the default, which is none.

    Raises:
        UserError: It is something else, or an empty list; the message is one line.
    """
    [(name, value)] = given.items()
    if value is None:
        return ()
    listed = value if isinstance(value, list | tuple) else [value]
    if not listed or not all(isinstance(each, _PATH.types) and each != "" for each in listed):
        raise UserError(f"{name} must be a path or a list of paths, not {value!r}.")
    return tuple(map(Path, listed))


def plain_argument(name: str, value: Any) -> Any:
    """An argument with a scalar of NumPy or torch as Python's own: a config keeps it.

    Raises:
        UserError: It is an array.
    """
    if not hasattr(value, "item"):
        return value
    if shape := tuple(getattr(value, "shape", ())):
        raise UserError(f"{name} is an array of shape {shape}; give a plain value.")
    return value.item()


def require_share(**given: float | None) -> None:
    """Refuses arguments that are not a number from 0 to 1; None is for the default.

    Raises:
        UserError: There is one; the message is one line.
    """
    for name, value in given.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value <= 1):
            raise UserError(f"{name} must be a number from 0 to 1, not {value!r}.")
